using System.Diagnostics;
using System.Runtime.InteropServices;
using Diffusion.Data;
using Parameter = TorchSharp.Modules.Parameter;

namespace Diffusion.Training;

/// <summary>
/// Trains a network: batch, loss, gradients, clipping, update, averages, and now and then a report and a checkpoint. Everything random in a
/// step follows from (seed, step), so a run that stops and resumes ends at the same weights to the bit, on the CPU with the same number of threads.
/// </summary>
/// <remarks>
/// Owns the optimizer's state and the averages; borrows the rest. Build it after the network is on its device. For one thread; no tensor of
/// the caller's scope is held. libtorch's default random generators are seeded at every step, because dropout draws from them.
/// <code>
/// using var run = new TrainingRun(network, objective, loader, new() { Steps = 10_000, CheckpointFolder = "out/run" });
/// run.Resume(); // does nothing where there is no checkpoint yet
/// run.Train(progress, cancellationToken);
/// </code>
/// </remarks>
public sealed class TrainingRun : IDisposable
{
    private readonly TrainingReport _report;
    private readonly DenoisingNetwork _computing; // the network in the precision of the settings
    private readonly CheckpointFolder? _checkpoints;
    private readonly SnapshotFolder? _snapshots;
    private readonly Stopwatch _clock = new();
    private TimeSpan _before; // trained before this process

    /// <summary>A run that has not begun.</summary>
    /// <param name="network">The network to train, on the device where training is to happen; borrowed.</param>
    /// <param name="objective">What to minimise; borrowed.</param>
    /// <param name="loader">Where batches come from; borrowed, and moved on.</param>
    /// <param name="settings">How to train; null for the defaults.</param>
    /// <exception cref="ArgumentException">The network has nothing to train, its parameters differ in type or device, or averages are to be stored and none is a power function.</exception>
    /// <exception cref="InvalidOperationException">The settings ask for bfloat16, and this libtorch does not let it be switched on.</exception>
    public TrainingRun(DenoisingNetwork network, TrainingObjective objective, DataLoader loader, TrainingSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(loader);
        (Network, Objective, Loader, Settings) = (network, objective, loader, settings ?? new TrainingSettings());
        if (Settings.Snapshots is { } snapshots)
        {
            if (!Settings.Averages.Any(rule => rule is PowerFunctionRule))
                throw new ArgumentException("Averages are to be stored, but none is a power function. Add AveragingRule.PowerFunctionOfWidth(0.05) and (0.10).", nameof(settings));
            _snapshots = new SnapshotFolder(snapshots);
        }

        _computing = network.Computing(Settings.Precision);
        var parameters = WeightOptimizer.Trainable(network);
        if (objective.Module is { } module) parameters = parameters.Concat(WeightOptimizer.Trainable(module).Select(p => ($"objective.{p.Name}", p.Value)));
        Parameters = [.. parameters];
        Optimizer = new WeightOptimizer(Parameters, Settings.Update, Settings.MaxGradientNorm, TensorKernels.Best);
        Averages = [.. Settings.Averages.Select(rule => new AveragedWeights(network, rule))];
        _report = new TrainingReport(Settings, Optimizer.GradientNorm, (step, position, loss, norm) => FailureReplay.Explain(this, step, position, loss, norm));
        if (Settings.CheckpointFolder is { } folder) _checkpoints = new CheckpointFolder(folder, Settings.CheckpointsKept);
    }

    /// <summary>What is trained.</summary>
    public DenoisingNetwork Network { get; }

    /// <summary>What is minimised.</summary>
    public TrainingObjective Objective { get; }

    /// <summary>Where batches come from.</summary>
    public DataLoader Loader { get; }

    /// <summary>How it is trained.</summary>
    public TrainingSettings Settings { get; }

    /// <summary>The optimizer and its state.</summary>
    public WeightOptimizer Optimizer { get; }

    /// <summary>The averages, one a rule of the settings.</summary>
    public IReadOnlyList<AveragedWeights> Averages { get; }

    /// <summary>Steps taken.</summary>
    public long Step { get; internal set; }

    /// <summary>Time spent training, interruptions left out.</summary>
    public TimeSpan Elapsed
    {
        get => _before + _clock.Elapsed;
        internal set => _before = value;
    }

    /// <summary>What is trained, by name; the objective's own parameters last.</summary>
    internal IReadOnlyList<(string Name, Parameter Value)> Parameters { get; }

    /// <summary>Trains until the steps or the time of the settings are over.</summary>
    /// <param name="progress">Told every few steps.</param>
    /// <param name="cancellationToken">Looked at between steps: the run stops after a whole one, writes a checkpoint and returns.</param>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory. The step has changed no weights.</exception>
    /// <exception cref="TrainingDivergedException">A loss or a gradient was not finite, and the settings say to stop.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint folder holds a run that this one has not resumed.</exception>
    /// <exception cref="IOException">A checkpoint could not be written. Older ones are intact, and the run can go on.</exception>
    public TrainingOutcome Train(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        _checkpoints?.CheckThatItIsOf(this);
        _snapshots?.Begin(this);
        var wasTraining = Network.training;
        Network.train();
        _clock.Start();
        try
        {
            _report.Restart(Elapsed);
            var over = IsOver;
            while (!over && !cancellationToken.IsCancellationRequested)
            {
                Advance();
                over = IsOver;
                if (over || Step % Settings.ReportEvery == 0) _report.Send(this, progress);
                _snapshots?.SaveIfDue(this, over); // before the checkpoint: what lies before one is complete
                if (!over && Step % Settings.CheckpointEvery == 0) _checkpoints?.Save(this);
                Settings.AfterStep?.Invoke(this);
            }

            _checkpoints?.Save(this);
            return over ? TrainingOutcome.Completed : TrainingOutcome.Cancelled;
        }
        catch (TrainingDivergedException)
        {
            _report.Tell(this, progress); // whoever keeps a log learns of it too
            throw;
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
        }
        finally
        {
            _clock.Stop();
            Optimizer.ZeroGradients();
            if (!wasTraining) Network.eval();
        }
    }

    /// <summary>Goes on from the newest checkpoint of the folder in the settings, exactly: weights, averages, optimizer, data position and step.</summary>
    /// <returns>Whether there was one; otherwise nothing has changed.</returns>
    /// <exception cref="InvalidOperationException">The settings name no folder, or this run has begun.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or belongs to another network, optimizer, seed or data set. The message names the file.</exception>
    public bool Resume()
    {
        if (_checkpoints is null) throw new InvalidOperationException("The settings name no checkpoint folder to resume from.");
        if (Step > 0) throw new InvalidOperationException($"This run has taken {Step} steps already; resume before training.");
        return _checkpoints.Load(this);
    }

    /// <summary>Writes a checkpoint into the folder of the settings now.</summary>
    /// <exception cref="InvalidOperationException">The settings name no folder, or it holds a run that this one has not resumed.</exception>
    /// <exception cref="IOException">The checkpoint could not be written; older ones are intact.</exception>
    public void Save()
    {
        if (_checkpoints is null) throw new InvalidOperationException("The settings name no checkpoint folder to save to.");
        _checkpoints.CheckThatItIsOf(this);
        _checkpoints.Save(this);
    }

    /// <summary>Frees the optimizer's state and the averages. The network stays.</summary>
    public void Dispose()
    {
        Optimizer.Dispose();
        foreach (var average in Averages) average.Dispose();
        _report.Dispose();
    }

    /// <summary>How many steps the run has: infinite without an end, an estimate where time limits it.</summary>
    internal double TotalSteps
    {
        get
        {
            var byTime = Settings.Duration is { } duration && Step > 0 && Elapsed > TimeSpan.Zero ? Math.Max(Step * (duration / Elapsed), 1) : double.PositiveInfinity;
            return Math.Min(Settings.Steps ?? double.PositiveInfinity, byTime);
        }
    }

    private bool IsOver => Step >= Settings.Steps || Elapsed >= Settings.Duration;

    private void Advance()
    {
        var start = Loader.Position;
        try
        {
            _report.Begin(Step, start);
            Gradients(Step, null, _report.Add);
            var rate = Settings.LearningRate.Factor(Step, TotalSteps);
            Optimizer.Step(rate);
            _report.End(rate * Settings.Update.LearningRate);
            foreach (var average in Averages) average.Update();
            Step++;
        }
        catch
        {
            Loader.Position = start; // so that the step can be tried again
            throw;
        }
    }

    /// <summary>Computes the gradients of a step at the loader's position: what is drawn follows from (seed, step).</summary>
    /// <param name="step">The step.</param>
    /// <param name="taken">Told of every batch; null for nobody.</param>
    /// <param name="added">Told of every batch's loss and samples.</param>
    internal void Gradients(long step, Action<Batch>? taken, Action<LossTerms, long> added)
    {
        using var scope = NewDisposeScope();
        var seed = HostRandom.Derive(Settings.Seed, step);
        random.manual_seed(seed).Dispose(); // dropout
        using var noise = NoiseSource.FromSeed(HostRandom.Derive(seed, 0)); // one source: halves of a batch draw what the whole would
        Optimizer.ZeroGradients();
        for (var i = 0; i < Settings.Accumulation; i++)
        {
            using var part = NewDisposeScope();
            var batch = Loader.Next();
            taken?.Invoke(batch);
            var device = Optimizer.GradientNorm.device;
            var condition = Settings.Condition?.Invoke(batch)?.To(device);
            var terms = Objective.Terms(_computing, batch.Data.to(device), condition, noise);
            (terms.Loss / Settings.Accumulation).backward();
            added(terms, batch.Count);
        }
    }
}
