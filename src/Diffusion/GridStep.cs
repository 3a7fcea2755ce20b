namespace Diffusion;

/// <summary>One step of a time grid.</summary>
/// <param name="At">Where the denoiser is asked: the level of the state before the step.</param>
/// <param name="To">The level of the state after the step.</param>
public readonly record struct GridStep(NoisePoint At, NoiseLevel To);
