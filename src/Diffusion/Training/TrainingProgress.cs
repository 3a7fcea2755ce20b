namespace Diffusion.Training;

/// <summary>Where a training run stands. Plain numbers.</summary>
/// <param name="Step">Steps taken.</param>
/// <param name="Steps">Steps of the whole run; null where it is not limited by steps.</param>
/// <param name="Loss">Mean loss since the last report, of the steps where it was finite; NaN where there was none.</param>
/// <param name="GradientNorm">Global norm of the last gradient before clipping.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="SamplesPerSecond">Samples trained on a second since the last report.</param>
/// <param name="Elapsed">Time spent training, interruptions left out.</param>
/// <param name="Remaining">Estimate of the time left; null where the run has no end.</param>
public readonly record struct TrainingProgress(
    long Step, long? Steps, double Loss, double GradientNorm, double LearningRate, double SamplesPerSecond, TimeSpan Elapsed, TimeSpan? Remaining)
{
    /// <summary>How much of the run is done, in [0, 1]; null where it has no end.</summary>
    public double? Fraction => Steps is { } steps ? Math.Min(1, (double)Step / steps)
        : Remaining is { } left && Elapsed + left > TimeSpan.Zero ? Elapsed / (Elapsed + left) : null;

    /// <summary>The loss since the last report by noise level, in rising order of time; parts without samples are left out.</summary>
    public IReadOnlyList<LossBucket> Buckets { get => field ?? []; init => field = value ?? throw new ArgumentNullException(nameof(value)); }

    /// <summary>Steps since the last report that were left out because their loss or gradient was not finite.</summary>
    public int Skipped { get; init; }

    /// <summary>The first such step since the last report; null where there was none.</summary>
    public NonFiniteStep? NonFinite { get; init; }
}
