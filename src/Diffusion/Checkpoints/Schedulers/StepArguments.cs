namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Arguments of a step that only some scheduler classes take; the members of <see cref="StepOptions"/>.</summary>
[Flags]
internal enum StepArguments
{
    None = 0,
    Eta = 1,
    UseClippedOutput = 2,
    Churn = 4,
    NoiseScale = 8,
    Order = 16,
    Image = 32,
}
