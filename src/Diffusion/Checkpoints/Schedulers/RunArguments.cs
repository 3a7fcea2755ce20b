namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Arguments of a run that only some scheduler classes take; the members of <see cref="RunOptions"/>.</summary>
[Flags]
internal enum RunArguments
{
    None = 0,
    Timesteps = 1,
    Sigmas = 2,
    Mu = 4,
    Strength = 8,
    OriginalSteps = 16,
    Jumps = 32,
}
