namespace Diffusion.Dynamics;

/// <summary>What chains of <see cref="MetropolisLangevin"/> end with. The tensors belong to the scope of whoever asked.</summary>
/// <param name="state">The states.</param>
/// <param name="acceptance">The acceptance rates.</param>
public sealed class MetropolisSample(Tensor state, Tensor acceptance)
{
    /// <summary>The states [batch, …].</summary>
    public Tensor State { get; } = state ?? throw new ArgumentNullException(nameof(state));

    /// <summary>The share of proposals that each chain accepted, float64 [batch].</summary>
    public Tensor Acceptance { get; } = acceptance ?? throw new ArgumentNullException(nameof(acceptance));
}
