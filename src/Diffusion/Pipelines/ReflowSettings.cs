using Diffusion.Data;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Training;

namespace Diffusion.Pipelines;

/// <summary>How a <see cref="ReflowRun"/> makes pairs and trains on them. Immutable.</summary>
public sealed class ReflowSettings
{
    /// <summary>Settings of a run.</summary>
    /// <param name="folder">Where pairs, checkpoints and weights are kept, a folder a round; made if it does not exist.</param>
    /// <param name="training">The settings of a training, which must write its checkpoints to the folder that is the argument.</param>
    /// <exception cref="ArgumentException">The folder is empty.</exception>
    public ReflowSettings(string folder, Func<string, TrainingSettings> training)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(training);
        (Folder, Training) = (folder, training);
    }

    /// <summary>Where everything is kept.</summary>
    public string Folder { get; }

    /// <summary>Makes the settings of a training from the folder of its checkpoints.</summary>
    public Func<string, TrainingSettings> Training { get; }

    /// <summary>k: how often pairs are made and trained on, at least 1. Default 1, which is 2-rectified flow if the network is 1-rectified flow.</summary>
    public int Rounds { get; init => field = AtLeastOne(value); } = 1;

    /// <summary>Pairs a round, at least 1. Default 50,000.</summary>
    public long Pairs { get; init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "At least one pair is needed."); } = 50_000;

    /// <summary>A solver of the flow. Default Heun's method in time.</summary>
    public Sampler Sampler { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = new FlowRungeKuttaSampler(RungeKutta.Heun);

    /// <summary>Steps of the solver, at least 2. Default 20.</summary>
    public int Steps { get; init => field = value >= 2 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "At least two steps are needed."); } = 20;

    /// <summary>w of classifier-free guidance for the pairs of the first round; they carry it, so later rounds and the models themselves need none. Default 1, no guidance.</summary>
    public double Guidance { get; init => field = double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The guidance scale must be finite."); } = 1;

    /// <summary>Number of classes, of which pairs are made evenly; as a label it stands for "no class". Null for a model without classes. Default null.</summary>
    public int? Classes { get; init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "There is at least one class."); }

    /// <summary>Where x₁ come from in a flow between two kinds of data; null for standard normal noise. Borrowed.</summary>
    public DataSet? Starts { get; init; }

    /// <summary>Samples a batch, in training and in making pairs, at least 1. Default 128.</summary>
    public int BatchSize { get; init => field = AtLeastOne(value); } = 128;

    /// <summary>Times of the training on pairs. Default uniform, spread over each batch.</summary>
    public TimeDistribution Times { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform().Stratified();

    /// <summary>Whether the last round's pairs also train a model of a single step, from the last round's weights. Default false.</summary>
    public bool Distils { get; init; }

    /// <summary>Paths that straightness and cost are measured on, at least 2. Default 1000.</summary>
    public int Measured { get; init => field = value >= 2 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "At least two paths are needed."); } = 1000;

    /// <summary>What pairs follow from, another stream each round. Default 0.</summary>
    public long Seed { get; init; }

    private static int AtLeastOne(int value) => value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The number must be at least 1.");
}
