namespace Diffusion.Training;

/// <summary>The loss of the samples whose noise level lay in one part of the time axis. Plain numbers.</summary>
/// <param name="From">Where the part begins, in [0, 1): 0 is data.</param>
/// <param name="To">Where it ends, in (0, 1]: 1 is noise.</param>
/// <param name="Samples">How many samples lay in it, at least 1.</param>
/// <param name="Loss">Their mean weighted loss.</param>
/// <param name="Floor">The least mean loss that any network could have at their levels; null where it is not known.</param>
public readonly record struct LossBucket(double From, double To, long Samples, double Loss, double? Floor);
