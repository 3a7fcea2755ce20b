using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>What every sampler owes its caller, also those that choose their own steps: ownership, cancellation, progress, callbacks, threads.</summary>
public class SamplerContractTests
{
    public static TheoryData<string> Samplers => SamplerCatalogue.Names();

    [Theory, MemberData(nameof(Samplers))]
    public void LeavesNothingBehindButTheResult(string sampler)
    {
        using var run = new Setting(sampler);
        using (NewDisposeScope()) run.Sample();
        var before = LiveTensors.Count();
        var result = run.Sample();
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.False(run.Start.IsInvalid);
        Assert.Equal(run.Start.shape, result.shape);
        Assert.Equal(run.Start.dtype, result.dtype);
        result.Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    [Theory, MemberData(nameof(Samplers))]
    public void TheStartIsNotChanged(string sampler)
    {
        using var scope = NewDisposeScope();
        using var run = new Setting(sampler);
        var copy = run.Start.clone();
        run.Sample();
        Assert.Equal(copy.data<double>().ToArray(), run.Start.data<double>().ToArray());
    }

    [Theory, MemberData(nameof(Samplers))]
    public void ProgressAndCallbackSeeEveryStep(string sampler)
    {
        using var scope = NewDisposeScope();
        using var run = new Setting(sampler);
        var (reports, seen, last) = (new SamplingReports(), 0, Array.Empty<double>());
        var hooks = new SamplingHooks
        {
            Progress = reports,
            OnStep = (step, x, estimate) =>
            {
                Assert.Equal(seen++, step.Index);
                Assert.Equal(run.Start.shape, x.shape);
                if (step.To.LogSnr > step.From.LogSnr) Assert.NotNull(estimate); // a jump up asks nothing
                Assert.NotEqual(false, estimate?.Data.isfinite().all().item<bool>());
                last = x.data<double>().ToArray();
            },
        };
        var result = run.Sample(hooks);
        Assert.True(result.isfinite().all().item<bool>());
        Assert.Equal(last, result.data<double>().ToArray());
        Assert.Equal(seen, reports.All.Count);
        Assert.Equal(Enumerable.Range(1, seen), reports.All.Select(report => report.Step));
        Assert.Equal(run.Evaluations, reports.All[^1].Evaluations);
        Assert.Equal(double.PositiveInfinity, reports.All[^1].LogSnr);
        if (reports.All[^1].Total is { } total) Assert.Equal(total, seen);
    }

    [Theory, MemberData(nameof(Samplers))]
    public void CancelsBetweenStepsAndFreesWhatTheRunHeld(string sampler)
    {
        using var run = new Setting(sampler);
        using (NewDisposeScope()) run.Sample();
        using var source = new CancellationTokenSource();
        var (steps, evaluations) = (0, 0);
        var before = LiveTensors.Count();
        using (NewDisposeScope())
        {
            run.Evaluations = 0;
            var hooks = new SamplingHooks
            {
                OnStep = (_, _, _) =>
                {
                    if (++steps != 2) return;
                    evaluations = run.Evaluations;
                    source.Cancel();
                },
            };
            Assert.Throws<OperationCanceledException>(() => run.Sample(hooks, source.Token));
        }

        Assert.Equal(2, steps);
        Assert.Equal(evaluations, run.Evaluations); // nothing was asked after the second step
        Assert.Equal(before, LiveTensors.Count());
    }

    [Theory, MemberData(nameof(Samplers))]
    public void AThrowingDenoiserLeavesNothingBehind(string sampler)
    {
        using var run = new Setting(sampler);
        using (NewDisposeScope()) run.Sample();
        var before = LiveTensors.Count();
        run.FailAt = 3;
        using (NewDisposeScope()) Assert.Throws<InvalidOperationException>(() => run.Sample());
        Assert.Equal(before, LiveTensors.Count());
    }

    [Theory, MemberData(nameof(Samplers))]
    public void OneSamplerServesManyThreads(string sampler)
    {
        using var scope = NewDisposeScope();
        using var run = new Setting(sampler);
        var expected = run.Sample().data<double>().ToArray();
        var results = new double[4][];
        Parallel.For(0, results.Length, i =>
        {
            using var inner = NewDisposeScope();
            results[i] = run.Sample().data<double>().ToArray();
        });
        Assert.All(results, result => Assert.Equal(expected, result));
    }

    // A small run on the mixture: the sampler, its denoiser, and a count of the questions.
    private sealed class Setting : IDenoiser, IDisposable
    {
        private readonly Sampler _sampler;
        private readonly MixtureOracle _oracle = new(LawSchedules.Of("vp"));
        private readonly TimeGrid _grid;
        private int _evaluations;

        public Setting(string sampler)
        {
            _sampler = SamplerCatalogue.Of(sampler).Make(6);
            _grid = LawGrids.ToData(_oracle.Schedule, 6, from: 20, to: 0.05);
            using var noise = NoiseSource.FromSeed(5);
            Start = noise.Next([3, 1], ScalarType.Float64, CPU).DetachFromDisposeScope();
        }

        public Tensor Start { get; }

        public int Evaluations { get => _evaluations; set => _evaluations = value; }

        public int FailAt { get; set; } = int.MaxValue;

        public NoiseSchedule Schedule => _oracle.Schedule;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            if (Interlocked.Increment(ref _evaluations) >= FailAt) throw new InvalidOperationException("The model broke.");
            return _oracle.Denoise(x, at);
        }

        public Tensor Sample(SamplingHooks? hooks = null, CancellationToken cancellation = default)
        {
            if (FailAt < int.MaxValue) _evaluations = 0;
            using var noise = NoiseSource.FromSeed(9);
            return _sampler.Sample(this, Start, _grid, noise, hooks, cancellation);
        }

        public void Dispose() => Start.Dispose();
    }
}
