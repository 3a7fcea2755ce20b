namespace Diffusion.Training;

/// <summary>A loss and what it is made of. The tensors belong to the scope of whoever asked.</summary>
/// <param name="loss">The scalar to minimise.</param>
/// <param name="perSample">The weighted loss of each sample [batch]; its mean is <paramref name="loss"/>. Null where there is none.</param>
/// <param name="levels">The noise level that each sample was looked at; null where there is none.</param>
public sealed class LossTerms(Tensor loss, Tensor? perSample = null, IReadOnlyList<NoiseLevel>? levels = null)
{
    /// <summary>The scalar to minimise.</summary>
    public Tensor Loss { get; } = loss ?? throw new ArgumentNullException(nameof(loss));

    /// <summary>The weighted loss of each sample [batch], or null.</summary>
    public Tensor? PerSample { get; } = perSample;

    /// <summary>The noise level of each sample, or null.</summary>
    public IReadOnlyList<NoiseLevel>? Levels { get; } = levels;
}
