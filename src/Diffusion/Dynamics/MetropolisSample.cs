namespace Diffusion.Dynamics;

/// <summary>What chains of <see cref="MetropolisLangevin"/> end with. The tensors belong to the scope of whoever asked.</summary>
public sealed class MetropolisSample
{
    internal MetropolisSample(Tensor state, Tensor acceptance) => (State, Acceptance) = (state, acceptance);

    /// <summary>The states [batch, …].</summary>
    public Tensor State { get; }

    /// <summary>The share of proposals that each chain accepted, float64 [batch].</summary>
    public Tensor Acceptance { get; }
}
