using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Training;

namespace Diffusion.Pipelines;

/// <summary>
/// Straightens a trained flow: pairs are made by walking it and the network is trained on them, again and again; at the end, if wished, it is distilled to one step by the regression of x₀ on x₁ alone.
/// Every stage keeps its place on the disk, so a run that was stopped or killed goes on where it was. (Liu et al. 2022, algorithm 1)
/// </summary>
/// <remarks>The network is borrowed and trained in place; after <see cref="Run"/> it holds the result, averaged if the training averages. Each round begins with the weights of the one before.</remarks>
public sealed class ReflowRun
{
    private const string Weights = "weights.safetensors";
    private readonly DenoisingNetwork _network;
    private readonly NoiseSchedule _schedule;
    private readonly Parameterization _parameterization;
    private readonly long[] _sampleShape;
    private readonly ReflowSettings _settings;
    private readonly List<ReflowRound> _rounds = [];

    /// <summary>A reflow of a trained flow.</summary>
    /// <param name="network">The trained network; borrowed, and changed.</param>
    /// <param name="schedule">Its schedule; straight for the paths to become straight.</param>
    /// <param name="parameterization">What its output means.</param>
    /// <param name="sampleShape">Shape of a sample without the batch axis.</param>
    /// <param name="settings">How.</param>
    public ReflowRun(DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, IReadOnlyList<long> sampleShape, ReflowSettings settings)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(parameterization);
        ArgumentNullException.ThrowIfNull(sampleShape);
        ArgumentNullException.ThrowIfNull(settings);
        (_network, _schedule, _parameterization, _sampleShape, _settings) = (network, schedule, parameterization, [.. sampleShape], settings);
    }

    /// <summary>Straightness and cost of the flow that was given and after each round so far.</summary>
    public IReadOnlyList<ReflowRound> Rounds => _rounds;

    /// <summary>Runs the rounds that are not done yet.</summary>
    /// <param name="progress">Told of pairs and of training.</param>
    /// <param name="cancellationToken">Stops at the next step; what was done is kept, and running again goes on from there.</param>
    /// <returns>Whether everything is done or the run was cancelled.</returns>
    /// <exception cref="InvalidDataException">A file of the folder is of another run, or damaged.</exception>
    public TrainingOutcome Run(IProgress<ReflowProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        try
        {
            _rounds.Clear();
            _rounds.Add(new ReflowRound(0, Measure(0, cancellationToken)));
            for (var round = 1; round <= _settings.Rounds; round++)
            {
                var folder = Path.Combine(_settings.Folder, $"round-{round}");
                if (!Finished(folder) && (Pairs(round, folder, progress, cancellationToken) == TrainingOutcome.Cancelled
                    || Train(round, folder, Path.Combine(folder, "pairs.bin"), _settings.Times, progress, cancellationToken) == TrainingOutcome.Cancelled)) return TrainingOutcome.Cancelled;
                _rounds.Add(new ReflowRound(round, Measure(round, cancellationToken)));
            }

            var distilled = Path.Combine(_settings.Folder, "distilled");
            return !_settings.Distils || Finished(distilled) ? TrainingOutcome.Completed
                : Train(_settings.Rounds + 1, distilled, Path.Combine(_settings.Folder, $"round-{_settings.Rounds}", "pairs.bin"), TimeDistribution.Among(1), progress, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return TrainingOutcome.Cancelled;
        }
    }

    // A folder is finished once it has weights, which then are the network's.
    private bool Finished(string folder)
    {
        var path = Path.Combine(folder, Weights);
        if (!File.Exists(path)) return false;
        using var file = SafetensorsFile.Open(path);
        StateDict.LoadInto(_network, file);
        return true;
    }

    private TrainingOutcome Pairs(int round, string folder, IProgress<ReflowProgress>? progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var generator = new PairGenerator(_sampleShape, condition => Flow(round - 1, condition), _settings.Sampler, TimeGrid.Uniform(_schedule, _settings.Steps))
        {
            Seed = HostRandom.Derive(_settings.Seed, round),
            BatchSize = _settings.BatchSize,
            Classes = _settings.Classes,
            Starts = _settings.Starts,
            Device = DeviceOfNetwork(),
        };
        return generator.Generate(Path.Combine(folder, "pairs.bin"), _settings.Pairs, progress is null ? null : new Told<PairProgress>(pairs => progress.Report(new ReflowProgress(round, pairs, null))), cancellationToken);
    }

    private TrainingOutcome Train(int round, string folder, string pairs, TimeDistribution times, IProgress<ReflowProgress>? progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        using var data = PairFileDataSet.Open(pairs);
        using var loader = new DataLoader(data, _settings.BatchSize, new DataLoaderOptions { Seed = HostRandom.Derive(_settings.Seed, -round) });
        var objective = new DenoisingObjective(_schedule, _parameterization) { Coupling = Coupling.Paired, Times = times };
        using var run = new TrainingRun(_network, objective, loader, _settings.Training(Path.Combine(folder, "training")));
        if (run.Settings.CheckpointFolder is not null) run.Resume();
        if (run.Train(progress is null ? null : new Told<TrainingProgress>(training => progress.Report(new ReflowProgress(round, null, training))), cancellationToken) == TrainingOutcome.Cancelled) return TrainingOutcome.Cancelled;
        if (run.Averages.Count > 0) run.Averages[0].CopyTo(_network);
        StateDict.Save(_network, Path.Combine(folder, Weights));
        return TrainingOutcome.Completed;
    }

    private FlowGeometry Measure(int round, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(_settings.Seed);
        var (count, device) = (_settings.Measured, DeviceOfNetwork());
        var start = _settings.Starts is { } starts
            ? starts.Get([.. Enumerable.Range(0, count).Select(k => k % starts.Count)]).Data.to(device)
            : noise.Next([count, .. _sampleShape], ScalarType.Float32, device);
        var condition = _settings.Classes is { } classes ? Conditioning.ForClasses([.. Enumerable.Range(0, count).Select(k => (long)(k % classes))], classes, device) : null;
        return FlowGeometry.Measure(Flow(round, condition), start, _settings.Sampler, Math.Max(_settings.Steps, 20), cancellationToken);
    }

    // The flow after a round; only the one that was given is guided.
    private IDenoiser Flow(int round, Conditioning? condition) => round == 0 && condition is not null && _settings.Guidance != 1
        ? ClassifierFreeGuidance.Batched(_network, _schedule, _parameterization, condition, _settings.Guidance)
        : new NetworkDenoiser(_network, _schedule, _parameterization, condition);

    private Device DeviceOfNetwork() => _network.parameters().FirstOrDefault()?.device ?? CPU;

    private sealed class Told<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
