namespace Diffusion.Training;

/// <summary>A loss or a gradient was not a finite number. The weights are those before that step.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <summary>Says where training broke down.</summary>
    /// <param name="step">The step, from 0; where the device is looked at only now and then, the first since the last look.</param>
    /// <param name="message">What happened.</param>
    public TrainingDivergedException(long step, string message) : base(message) => Step = step;

    /// <summary>The step, from 0.</summary>
    public long Step { get; }
}
