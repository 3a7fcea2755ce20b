using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>How a <see cref="TrainingRun"/> trains. Immutable.</summary>
public sealed class TrainingSettings
{
    /// <summary>How gradients change the weights. Default AdamW with a rate of 1e-4.</summary>
    public UpdateRule Update { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = UpdateRule.AdamW();

    /// <summary>How the learning rate changes during the run. Default constant.</summary>
    public LearningRateSchedule LearningRate { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = LearningRateSchedule.Constant;

    /// <summary>The global norm that gradients are scaled down to where they exceed it; null never. Default 1.</summary>
    public double? MaxGradientNorm { get; init; } = 1;

    /// <summary>Averages of the weights to keep; the first is what samples are drawn with. Default one that warms up to a decay of 0.9999.</summary>
    public IReadOnlyList<AveragingRule> Averages { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = [AveragingRule.WarmUp(0.9999, power: 0.75)];

    /// <summary>Batches whose gradients are averaged into one step, at least 1. Default 1.</summary>
    public int Accumulation { get; init => field = AtLeastOne(value); } = 1;

    /// <summary>
    /// What the network computes in. With <see cref="ComputePrecision.BFloat16"/> the weights, their gradients, the optimizer, the averages, the loss and the
    /// checkpoints stay float32. Default <see cref="ComputePrecision.Float32"/>.
    /// </summary>
    public ComputePrecision Precision { get; init; }

    /// <summary>What noise, times, condition dropout and the network's dropout follow from. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Steps of the whole run, at least 1; null for no limit. Default null.</summary>
    public long? Steps { get; init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A run has at least one step; null does not limit it."); }

    /// <summary>Time of the whole run, interruptions left out; null for no limit. Default null. A run limited by time is not repeatable to the bit where the learning rate depends on how much of it is left.</summary>
    public TimeSpan? Duration { get; init => field = value is null || value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A duration must be positive; null does not limit the run."); }

    /// <summary>
    /// Makes the condition of a batch in the caller's scope; null trains without. <see cref="ForClasses"/> makes the usual one. Default null.
    /// </summary>
    public Func<Batch, Conditioning?>? Condition { get; init; }

    /// <summary>What to do where a loss or gradient is not finite. Default <see cref="NonFinitePolicy.Stop"/>.</summary>
    public NonFinitePolicy NonFinite { get; init; }

    /// <summary>Steps between two progress reports, at least 1. Default 10.</summary>
    public int ReportEvery { get; init => field = AtLeastOne(value); } = 10;

    /// <summary>Equal parts of the time axis that the loss is reported by; 0 for none. Default 10.</summary>
    public int LossBuckets { get; init => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The number of parts must be at least 0."); } = 10;

    /// <summary>
    /// The least weighted loss of a sample that any network could have at a noise level, where the distribution of the data is known;
    /// reported beside the loss by level. <see cref="DenoisingObjective.FloorOf"/> makes it. Asked once a sample on the thread that trains. Default null.
    /// </summary>
    public Func<NoiseLevel, double>? LossFloor { get; init; }

    /// <summary>The folder that checkpoints are written to, under it one folder each; null writes none. Default null.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>Steps between two checkpoints, at least 1; one is written at the end and on cancellation too. Default 1000.</summary>
    public int CheckpointEvery { get; init => field = AtLeastOne(value); } = 1000;

    /// <summary>Checkpoints that are kept, the newest, at least 1. Default 2.</summary>
    public int CheckpointsKept { get; init => field = AtLeastOne(value); } = 2;

    /// <summary>Where and how often power-function averages are stored, to make up an average of any width after training (<see cref="PostHocAverages"/>); null stores none. Default null.</summary>
    public AverageSnapshots? Snapshots { get; init; }

    /// <summary>Writes further files into a checkpoint before it gets its name: the folder is the argument. Default null.</summary>
    public Action<string>? OnSaving { get; init; }

    /// <summary>Called after every step on the thread that trains: to draw samples, to look at weights. Default null.</summary>
    public Action<TrainingRun>? AfterStep { get; init; }

    /// <summary>A <see cref="Condition"/> of the labels of each batch.</summary>
    /// <param name="classes">Number of classes, at least 1; as a label it stands for "no class", as in the networks of this library.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classes"/> is less than 1.</exception>
    public static Func<Batch, Conditioning?> ForClasses(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        return batch => new Conditioning
        {
            ClassLabels = (batch.Labels ?? throw new InvalidOperationException("Training is conditioned on classes, but the data set has none.")).alias(),
            NullClass = classes,
        };
    }

    private static int AtLeastOne(int value) => value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The number must be at least 1.");
}
