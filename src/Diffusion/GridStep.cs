namespace Diffusion;

/// <summary>One step of a time grid.</summary>
/// <param name="At">Where the denoiser is asked: the level of the state before the step.</param>
/// <param name="To">The level of the state after the step.</param>
public readonly record struct GridStep(NoisePoint At, NoiseLevel To)
{
    /// <summary>
    /// What the network is told at <see cref="To"/>, for methods that evaluate at the end of a step; null leaves it to the parameterization. A
    /// time grid fills in the label of its next step where that starts at this level.
    /// </summary>
    public double? ToLabel { get; init; }
}
