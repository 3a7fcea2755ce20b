namespace Diffusion;

/// <summary>Where a denoiser is asked: a noise level, and the network's label where a time grid fixes one.</summary>
/// <param name="Level">The level of the state.</param>
/// <param name="Label">What the network is told about the noise; null leaves it to the parameterization.</param>
public readonly record struct NoisePoint(NoiseLevel Level, double? Label = null)
{
    /// <summary>A level with the label that the parameterization gives it.</summary>
    public static implicit operator NoisePoint(NoiseLevel level) => new(level);

    /// <summary>A level with the label that the parameterization gives it.</summary>
    public static NoisePoint FromNoiseLevel(NoiseLevel level) => level;
}
