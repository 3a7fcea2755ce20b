namespace Diffusion.Training;

/// <summary>A loss or a gradient was not a finite number. That step has changed no weights.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <summary>Says where training broke down.</summary>
    /// <param name="failure">The step, and where in it the trouble began.</param>
    public TrainingDivergedException(NonFiniteStep failure) : base(Text(failure)) => Failure = failure;

    /// <summary>The step, and where in it the trouble began.</summary>
    public NonFiniteStep Failure { get; }

    /// <summary>The step, from 0.</summary>
    public long Step => Failure.Step;

    private static string Text(NonFiniteStep failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return $"Training broke down at step {failure.Step}: {failure.Explanation} The step has changed no weights.";
    }
}
