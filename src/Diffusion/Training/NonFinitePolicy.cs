namespace Diffusion.Training;

/// <summary>What training does where a loss or a gradient is not a finite number. The weights are never touched by it.</summary>
public enum NonFinitePolicy
{
    /// <summary>Training ends with a <see cref="TrainingDivergedException"/>.</summary>
    Stop,

    /// <summary>The step is left out and training goes on.</summary>
    Skip,
}
