using Diffusion.Training;

namespace Diffusion.Pipelines;

/// <summary>Where a reflow stands. Plain numbers.</summary>
/// <param name="Round">From 1; one more than the rounds while distilling.</param>
/// <param name="Pairs">How far its pairs are, while they are made.</param>
/// <param name="Training">How far its training is, while it trains.</param>
public readonly record struct ReflowProgress(int Round, PairProgress? Pairs, TrainingProgress? Training);
