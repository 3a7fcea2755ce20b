using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public sealed class TrainingRunTests : IDisposable
{
    private readonly OneThread _thread = new();

    public void Dispose() => _thread.Dispose();

    private static readonly DenoisingObjective Flow = new(new RectifiedFlowSchedule(), Parameterization.Velocity()) { ConditionDropout = 0.2 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Mlp Network(long width = 16, int depth = 1)
    {
        random.manual_seed(1).Dispose();
        return new Mlp(2, width, depth, classes: 8);
    }

    private static TrainingSettings Settings(long steps, string? folder = null, int accumulation = 1) => new()
    {
        Update = UpdateRule.AdamW(1e-2),
        LearningRate = LearningRateSchedule.Cosine().WithWarmUp(3),
        Averages = [AveragingRule.Constant(0.9), AveragingRule.PowerFunction(6)],
        Condition = TrainingSettings.ForClasses(8),
        Accumulation = accumulation,
        Steps = steps,
        Seed = 5,
        CheckpointFolder = folder,
        CheckpointEvery = 4,
    };

    // Trains for seconds on eight Gaussians, samples with the averaged weights, and compares with fresh data.
    [Fact]
    public void LearnsAMixtureInThePlane()
    {
        using var data = PlaneMixture.DataSet();
        using var loader = new DataLoader(data, 256);
        using var network = Network(64, 2);
        using var run = new TrainingRun(network, Flow, loader, new()
        {
            Update = UpdateRule.AdamW(4e-3),
            LearningRate = LearningRateSchedule.Cosine().WithWarmUp(20),
            Averages = [AveragingRule.WarmUp(0.99)],
            Condition = TrainingSettings.ForClasses(8),
            Steps = 1500,
        });
        var losses = new List<double>();
        Assert.Equal(TrainingOutcome.Completed, run.Train(new Collect(p => losses.Add(p.Loss)), Token));
        Assert.Equal(150, losses.Count);
        Assert.True(losses[^1] < losses[0]);

        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var labels = Enumerable.Range(0, 1024).Select(i => (long)(i % 8)).ToArray();
        var grid = TimeGrid.Uniform(Flow.Schedule, 30);
        using (run.Averages[0].Applied())
        {
            var samples = Draw(labels);
            var real = PlaneMixture.Distribution.Sample(1024, noise);
            // Two sets of 1024 fresh points are 0.000 ± 0.001 apart, a ring without its gaps 0.02, one Gaussian of the right size 0.1.
            Assert.InRange(PlaneMixture.EnergyDistance(samples, real), -0.005, 0.006);
            var right = PlaneMixture.Nearest(samples).eq(tensor(labels)).to(float32).mean().item<float>();
            Assert.True(right > 0.97, $"{right:p1} of the samples are of the class that was asked for");
            var free = Draw([.. labels.Select(_ => 8L)]); // no class: the whole mixture, learned by dropping labels
            Assert.InRange(PlaneMixture.EnergyDistance(free, real), -0.005, 0.015);
        }

        Tensor Draw(long[] classes)
        {
            var denoiser = new NetworkDenoiser(network, Flow.Schedule, Flow.Parameterization, Conditioning.ForClasses(classes));
            return new DdimSampler().Sample(denoiser, Flow.Schedule.DrawPrior([classes.Length, 2], noise), grid, noise, cancellationToken: Token);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(11)]
    public void ResumingAtAnyStepEndsAtTheSameWeightsToTheBit(int stop)
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(100); // an epoch is three batches: the run crosses several
        var whole = Train(null, 12, cancelAfter: null);
        Train(folder.Path, 12, cancelAfter: stop);
        var resumed = Train(folder.Path, 12, cancelAfter: null);
        Assert.Equal(whole.Keys, resumed.Keys);
        foreach (var (name, bytes) in whole) Assert.True(bytes.AsSpan().SequenceEqual(resumed[name]), name);

        Dictionary<string, byte[]> Train(string? path, long steps, int? cancelAfter)
        {
            using var scope = NewDisposeScope();
            using var loader = new DataLoader(data, 32, new() { Seed = 3 });
            using var network = Network();
            if (cancelAfter is null && path is not null) using (no_grad()) foreach (var p in network.parameters()) p.fill_(7); // must come from the checkpoint
            using var source = new CancellationTokenSource();
            var settings = Settings(steps, path);
            using var run = new TrainingRun(network, Flow, loader, new()
            {
                Update = settings.Update,
                LearningRate = settings.LearningRate,
                Averages = settings.Averages,
                Condition = settings.Condition,
                Steps = steps,
                Seed = settings.Seed,
                CheckpointFolder = path,
                CheckpointEvery = 4,
                AfterStep = r => { if (r.Step == cancelAfter) source.Cancel(); },
            });
            if (path is not null) Assert.Equal(cancelAfter is null, run.Resume());
            var outcome = run.Train(cancellationToken: source.Token);
            Assert.Equal(cancelAfter is null ? TrainingOutcome.Completed : TrainingOutcome.Cancelled, outcome);
            Assert.Equal(cancelAfter ?? steps, run.Step);
            var state = run.Optimizer.State.Concat(network.state_dict())
                .Concat(run.Averages.SelectMany((a, i) => a.Values.Select(v => KeyValuePair.Create($"{i}.{v.Key}", v.Value))));
            return state.ToDictionary(s => s.Key, s => s.Value.bytes.ToArray());
        }
    }

    // Two half batches draw the times and the noise of the whole one, because the generators of a step go on where they stopped.
    [Fact]
    public void AccumulationIsTheLargeBatch()
    {
        using var scope = NewDisposeScope();
        using var data = PlaneMixture.DataSet(512);
        var whole = Train(64, 1);
        var halves = Train(32, 2);
        foreach (var (name, value) in whole) Assert.True(value.allclose(halves[name], 1e-5, 1e-6), name);

        Dictionary<string, Tensor> Train(int batch, int accumulation)
        {
            using var loader = new DataLoader(data, batch, new() { Shuffle = false });
            var network = Network();
            var objective = new DenoisingObjective(Flow.Schedule, Flow.Parameterization);
            using var run = new TrainingRun(network, objective, loader, new() { Update = UpdateRule.Sgd(0.1, 0.9), Steps = 10, Accumulation = accumulation, Condition = TrainingSettings.ForClasses(8) });
            run.Train(cancellationToken: Token);
            return network.state_dict();
        }
    }

    [Fact]
    public void LiveTensorsAreFlatOverTwoHundredSteps()
    {
        using var data = PlaneMixture.DataSet(512);
        using var loader = new DataLoader(data, 32, new() { Prefetch = 0 });
        using var network = Network();
        long early = 0, late = 0;
        using var run = new TrainingRun(network, Flow, loader, new()
        {
            Steps = 210,
            Accumulation = 2,
            Averages = [AveragingRule.Constant(0.9), AveragingRule.PowerFunction(6)],
            Condition = TrainingSettings.ForClasses(8),
            AfterStep = r =>
            {
                if (r.Step == 10) early = LiveTensors.Count();
                if (r.Step == 210) late = Tensor.TotalCount; // nothing is left to the finalizer either
            },
        });
        run.Train(cancellationToken: Token);
        Assert.Equal(early, late);
    }

    [Fact]
    public void DropoutOfTheNetworkResumesToo()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        var whole = Train(6, null);
        Train(3, folder.Path);
        Assert.Equal(whole, Train(6, folder.Path));

        float[] Train(long steps, string? path)
        {
            random.manual_seed(steps).Dispose(); // whatever the generator held before
            using var loader = new DataLoader(data, 32);
            using var network = new DropoutNetwork();
            using var run = new TrainingRun(network, new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()), loader,
                new() { Update = UpdateRule.Sgd(0.1), Steps = steps, CheckpointFolder = path });
            if (path is not null) run.Resume();
            run.Train(cancellationToken: Token);
            return network.w.data<float>().ToArray();
        }
    }

    [Fact]
    public void CheckpointsAreCompleteAndTheNewestAreKept()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        Directory.CreateDirectory(Path.Combine(folder.Path, ".unfinished-checkpoint-00000001")); // of a process that was killed
        var saved = new List<string>();
        using var run = new TrainingRun(network, Flow, loader, new()
        {
            Steps = 10,
            CheckpointFolder = folder.Path,
            CheckpointEvery = 3,
            Condition = TrainingSettings.ForClasses(8),
            OnSaving = path =>
            {
                File.WriteAllText(Path.Combine(path, "note.txt"), "mine");
                saved.Add(path);
            },
        });
        run.Train(cancellationToken: Token);
        Assert.Equal(["checkpoint-00000009", "checkpoint-00000010"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        Assert.Equal(4, saved.Count);
        var files = Directory.EnumerateFiles(Path.Combine(folder.Path, "checkpoint-00000010")).Select(Path.GetFileName).Order();
        Assert.Equal(["average-0.safetensors", "note.txt", "optimizer.safetensors", "run.json", "weights.safetensors"], files);
    }

    [Fact]
    public void ASecondRunDoesNotMixIntoTheFolderOfAFirst()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        using (var first = new TrainingRun(network, Flow, loader, Settings(2, folder.Path))) first.Train(cancellationToken: Token);
        using var second = new TrainingRun(network, Flow, loader, Settings(2, folder.Path));
        var error = Assert.Throws<InvalidOperationException>(() => second.Train(cancellationToken: Token));
        Assert.Contains("Resume", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(second.Save);
    }

    [Fact]
    public void CheckpointsOfAnotherRunAreRefusedByName()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        using (var first = new TrainingRun(network, Flow, loader, Settings(2, folder.Path))) first.Train(cancellationToken: Token);
        var kept = network.state_dict().ToDictionary(s => s.Key, s => s.Value.bytes.ToArray());

        Refused("seed", network, loader, new() { Seed = 6, CheckpointFolder = folder.Path, Averages = [AveragingRule.Constant(0.9), AveragingRule.Constant(0.9)] });
        Refused("averages", network, loader, new() { Seed = 5, CheckpointFolder = folder.Path });
        Refused("update rule", network, loader, new() { Seed = 5, CheckpointFolder = folder.Path, Update = UpdateRule.Sgd(), Averages = [AveragingRule.Constant(0.9), AveragingRule.Constant(0.9)] });
        Refused("accumulation", network, loader, Settings(2, folder.Path, 2));
        using var small = new DataLoader(data, 16);
        Refused("batches", network, small, Settings(2, folder.Path));
        using var wider = Network(32);
        Refused("optimizer.safetensors", wider, loader, Settings(2, folder.Path));
        foreach (var (name, value) in network.state_dict()) Assert.True(value.bytes.SequenceEqual(kept[name]), name);

        var record = Path.Combine(folder.Path, "checkpoint-00000002", "run.json");
        File.WriteAllText(record, "{");
        Refused("run.json", network, loader, Settings(2, folder.Path));
        File.WriteAllText(record, "{\"format\": 9}");
        Refused("run.json", network, loader, Settings(2, folder.Path));

        void Refused(string word, Mlp model, DataLoader batches, TrainingSettings settings)
        {
            using var run = new TrainingRun(model, Flow, batches, settings);
            Assert.Contains(word, Assert.Throws<InvalidDataException>(() => run.Resume()).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ResumeWithoutACheckpointChangesNothing()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        using var run = new TrainingRun(network, Flow, loader, Settings(2, Path.Combine(folder.Path, "none")));
        Assert.False(run.Resume());
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "none")));
        using var homeless = new TrainingRun(network, Flow, loader, Settings(2));
        Assert.Throws<InvalidOperationException>(() => homeless.Resume());
        Assert.Throws<InvalidOperationException>(homeless.Save);
    }

    [Fact]
    public void TimeLimitsARun()
    {
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        var reports = new List<TrainingProgress>();
        using var run = new TrainingRun(network, Flow, loader, new() { Duration = TimeSpan.FromSeconds(0.3), ReportEvery = 1, Condition = TrainingSettings.ForClasses(8), LearningRate = LearningRateSchedule.Cosine() });
        Assert.Equal(TrainingOutcome.Completed, run.Train(new Collect(reports.Add), Token));
        Assert.InRange(run.Elapsed.TotalSeconds, 0.3, 5);
        Assert.Null(reports[^1].Steps);
        Assert.Equal(1, reports[^1].Fraction!.Value, 0.05);
        Assert.True(reports[^1].LearningRate < reports[0].LearningRate / 10);
    }

    [Fact]
    public void ProgressIsPlainNumbers()
    {
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = Network();
        var reports = new List<TrainingProgress>();
        using var run = new TrainingRun(network, Flow, loader, Settings(25));
        run.Train(new Collect(reports.Add), Token);
        Assert.Equal([10L, 20, 25], reports.Select(r => r.Step));
        Assert.All(reports, r => Assert.True(r is { Steps: 25, Loss: > 0, GradientNorm: > 0, SamplesPerSecond: > 0 } && r.Remaining >= TimeSpan.Zero && r.Elapsed > TimeSpan.Zero));
        Assert.Equal(1, reports[^1].Fraction);
        Assert.True(network.training);
    }

    [Theory]
    [InlineData(NonFinitePolicy.Stop)]
    [InlineData(NonFinitePolicy.Skip)]
    public void ALossThatIsNotFiniteStopsOrSkips(NonFinitePolicy policy)
    {
        using var scope = NewDisposeScope();
        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = new FailingNetwork(failAt: 4);
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity());
        using var run = new TrainingRun(network, objective, loader, new() { Update = UpdateRule.Sgd(0.01), Steps = 8, NonFinite = policy });
        if (policy == NonFinitePolicy.Stop)
        {
            var error = Assert.Throws<TrainingDivergedException>(() => run.Train(cancellationToken: Token));
            Assert.Equal(4, error.Step);
            Assert.Equal(4, run.Step);
            Assert.Equal(new LoaderPosition(1, 0), loader.Position); // where step 4 began
        }
        else
        {
            Assert.Equal(TrainingOutcome.Completed, run.Train(cancellationToken: Token));
            Assert.Equal(7, run.Optimizer.State["steps"].item<float>());
        }

        Assert.True(network.w.isfinite().all().item<bool>());
    }

    [Fact]
    public void SettingsAreChecked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingSettings { Steps = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingSettings { Duration = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingSettings { Accumulation = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingSettings { ReportEvery = 0 });
        Assert.Throws<ArgumentNullException>(() => new TrainingSettings { Update = null! });
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingSettings.ForClasses(0));
    }

    // Progress<T> posts to other threads; a test wants the reports in order.
    private sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
