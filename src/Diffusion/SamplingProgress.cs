namespace Diffusion;

/// <summary>How far a run is. Plain numbers, so that it may cross threads.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Total">Steps of the run; null where an adaptive solver cannot know.</param>
/// <param name="LogSnr">Log-SNR of the state now; +∞ when it is clean.</param>
/// <param name="Evaluations">Evaluations of the denoiser so far.</param>
/// <param name="Elapsed">Time since the run began.</param>
public readonly record struct SamplingProgress(int Step, int? Total, double LogSnr, int Evaluations, TimeSpan Elapsed);
