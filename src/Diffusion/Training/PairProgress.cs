namespace Diffusion.Training;

/// <summary>How far the generation of pairs is. Plain numbers.</summary>
/// <param name="Completed">Pairs that are on the disk.</param>
/// <param name="Count">Pairs in all.</param>
/// <param name="PairsPerSecond">Pairs a second since generation began or went on.</param>
public readonly record struct PairProgress(long Completed, long Count, double PairsPerSecond);
