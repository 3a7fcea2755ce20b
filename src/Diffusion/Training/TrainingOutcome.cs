namespace Diffusion.Training;

/// <summary>Why a training run returned.</summary>
public enum TrainingOutcome
{
    /// <summary>It has taken all its steps, or its time is over.</summary>
    Completed,

    /// <summary>It was cancelled, after a whole step. It can go on.</summary>
    Cancelled,
}
