using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

/// <summary>The rules of guidance on estimates that are just numbers: what each changes and what it keeps.</summary>
public class GuidanceRuleTests
{
    private static readonly RectifiedFlowSchedule Schedule = new();
    private static readonly NoiseLevel Level = Schedule.At(0.6);

    [Theory]
    [InlineData(GuidedQuantity.Data)]
    [InlineData(GuidedQuantity.Noise)]
    [InlineData(GuidedQuantity.Velocity)]
    public void RescalingRestoresTheDeviationOfTheConditionalEstimate(GuidedQuantity quantity)
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        double[] Std(Estimate e) => (quantity switch
        {
            GuidedQuantity.Data => e.Data,
            GuidedQuantity.Noise => e.NoiseAt(x, Level),
            _ => e.VelocityAt(x, Level),
        }).flatten(1).std(1).data<double>().ToArray();
        var (linear, wanted) = (Std(GuidanceRule.Linear(5).Combine(x, Level, c, u)), Std(c));
        var whole = Std(GuidanceRule.Rescaled(5, 1, quantity).Combine(x, Level, c, u));
        var half = Std(GuidanceRule.Rescaled(5, 0.5, quantity).Combine(x, Level, c, u));
        for (var i = 0; i < wanted.Length; i++)
        {
            Assert.True(Math.Abs(linear[i] / wanted[i] - 1) > 0.1);
            Assert.Equal(wanted[i], whole[i], 1e-12);
            Assert.Equal((wanted[i] + linear[i]) / 2, half[i], 1e-12);
        }
    }

    [Fact]
    public void ProjectionWithNothingTakenAwayIsTheLinearRule()
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        Same(GuidanceRule.Linear(3).Combine(x, Level, c, u).Data, GuidanceRule.Projected(3, parallel: 1).Combine(x, Level, c, u).Data);
    }

    [Fact]
    public void TheProjectedDifferenceIsOrthogonalToTheConditionalEstimateAndNoLongerThanAllowed()
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        const double scale = 3, largest = 1.5, eta = 0.3;
        var change = (GuidanceRule.Projected(scale, 0, largest).Combine(x, Level, c, u).Data - c.Data) / (scale - 1);
        Assert.True((change * c.Data).flatten(1).sum([1L]).abs().max().item<double>() < 1e-12);
        var difference = c.Data - u.Data;
        var norms = difference.flatten(1).norm(1, false, 2);
        Assert.True(norms.min().item<double>() > largest); // it has to shrink
        // Whole, with η = 1: the difference with the length r.
        var whole = (GuidanceRule.Projected(scale, 1, largest).Combine(x, Level, c, u).Data - c.Data) / (scale - 1);
        Same(difference * (largest / norms).view(-1, 1, 1), whole);
        // η weighs the part along D_c.
        var mixed = (GuidanceRule.Projected(scale, eta, largest).Combine(x, Level, c, u).Data - c.Data) / (scale - 1);
        Same(change + (whole - change) * eta, mixed);
    }

    [Fact]
    public void MomentumRunsOverTheEvaluationsOfOneRunAlone()
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        var rule = GuidanceRule.Projected(3, parallel: 1, momentum: -0.5);
        var difference = c.Data - u.Data;
        // m = Δ, then Δ − ½Δ, then Δ − ¼Δ: of constant estimates.
        double[] factors = [1, 0.5, 0.75];
        for (var run = 0; run < 2; run++)
        {
            var fresh = rule.BeginRun();
            foreach (var factor in factors) Same(c.Data + difference * (2 * factor), fresh.Combine(x, Level, c, u).Data);
            Assert.Contains("[1, ", Assert.Throws<InvalidOperationException>(() => fresh.Combine(x[..1], Level, new Estimate(c.Data[..1]), new Estimate(u.Data[..1]))).Message, StringComparison.Ordinal); // of another batch
            ((IDisposable)fresh).Dispose();
        }

        Same(GuidanceRule.Linear(3).Combine(x, Level, c, u).Data, rule.Combine(x, Level, c, u).Data); // outside a run nothing is remembered
        Same(GuidanceRule.Linear(3).Combine(x, Level, c, u).Data, rule.Combine(x, Level, c, u).Data);
    }

    [Fact]
    public void ASamplersRunGivesMomentumAndFreesIt()
    {
        using var outer = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var (conditional, unconditional) = (new Constant(Schedule, 2), new Constant(Schedule, 1));
        var guided = new ClampedDenoiser(new ClassifierFreeGuidance(conditional, unconditional, GuidanceRule.Projected(3, parallel: 1, momentum: -0.5)), 100);
        var seen = new List<double>();
        var hooks = new SamplingHooks { OnStep = (_, _, estimate) => seen.Add(estimate!.Data[0, 0].item<double>()) };
        using var start = ones(1, 2, dtype: float64);
        Tensor Run() => new DdimSampler().Sample(guided, start, TimeGrid.Uniform(Schedule, 3), noise, hooks);
        Run().Dispose();
        Assert.Equal([4, 3, 3.5], seen);
        var before = LiveTensors.Count();
        Run().Dispose();
        Assert.Equal(before, LiveTensors.Count());
        Assert.Equal([4, 3, 3.5, 4, 3, 3.5], seen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.6)]
    public void CfgPlusPlusMovesAlongTheUnconditionalNoise(double lambda)
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        var guided = GuidanceRule.PlusPlus(lambda).Combine(x, Level, c, u);
        Same(c.Data * lambda + u.Data * (1 - lambda), guided.Data);
        Same((x - u.Data * Level.Alpha) / Level.Sigma, guided.NoiseAt(x, Level));
        // A DDIM step: α_s·x̂₀ + σ_s·ε_u. It is the linear rule's step from a state that is moved by the guidance.
        var to = Schedule.At(0.4);
        Same(guided.Data * to.Alpha + u.NoiseAt(x, Level) * to.Sigma, guided.Mix(x, Level, to.Alpha, to.Sigma));
    }

    [Fact]
    public void ParallelVelocitiesNeedNoGuidance()
    {
        // Where u_u is a multiple of u_c the optimised scale makes them equal, and any w gives the conditional model.
        using var scope = NewDisposeScope();
        var (x, c, _) = Estimates();
        var velocity = c.VelocityAt(x, Level) * -0.4;
        var wronskian = Level.SigmaDot * Level.Alpha - Level.Sigma * Level.AlphaDot;
        var u = new Estimate((x * Level.SigmaDot - velocity * Level.Sigma) / wronskian);
        Same(c.Data, GuidanceRule.OptimizedScale(7).Combine(x, Level, c, u).Data);
    }

    [Fact]
    public void TheOptimisedScaleIsThatOfLeastSquares()
    {
        using var scope = NewDisposeScope();
        var (x, c, u) = Estimates();
        var (vc, vu) = (c.VelocityAt(x, Level), u.VelocityAt(x, Level));
        // w = 0 leaves s·u_u: what is left of u_c is orthogonal to it.
        var fitted = GuidanceRule.OptimizedScale(0).Combine(x, Level, c, u).VelocityAt(x, Level);
        Assert.True(((vc - fitted) * vu).flatten(1).sum([1L]).abs().max().item<double>() < 1e-12);
        var guided = GuidanceRule.OptimizedScale(4).Combine(x, Level, c, u).VelocityAt(x, Level);
        Same(fitted + (vc - fitted) * 4, guided);
    }

    [Fact]
    public void RulesAskOnlyWhatTheyNeed()
    {
        foreach (var (rule, conditional, unconditional) in new[]
        {
            (GuidanceRule.Linear(1), true, false), (GuidanceRule.Linear(0), false, true), (GuidanceRule.Linear(2), true, true),
            (GuidanceRule.Rescaled(1), true, false), (GuidanceRule.Rescaled(0), true, true),
            (GuidanceRule.Projected(1), true, false), (GuidanceRule.Projected(0), true, true), (GuidanceRule.Projected(2), true, true),
            (GuidanceRule.OptimizedScale(1), true, false), (GuidanceRule.OptimizedScale(0), true, true), (GuidanceRule.OptimizedScale(2), true, true),
            (GuidanceRule.PlusPlus(0), false, true), (GuidanceRule.PlusPlus(1), true, true), (GuidanceRule.Scheduled(_ => 1), true, true),
        })
            Assert.Equal((conditional, unconditional), (rule.NeedsConditional, rule.NeedsUnconditional));
        Assert.Equal(double.NaN, GuidanceRule.Scheduled(_ => 1).Scale);
        Assert.Equal([2, 3, 4, 0.5, 6], [GuidanceRule.Linear(2).Scale, GuidanceRule.Rescaled(3).Scale, GuidanceRule.Projected(4).Scale, GuidanceRule.PlusPlus(0.5).Scale, GuidanceRule.OptimizedScale(6).Scale]);
    }

    // Where a direction is zero there is no part along it, and where there is no deviation nothing is rescaled.
    [Fact]
    public void NothingIsDividedByZero()
    {
        using var scope = NewDisposeScope();
        var level = new RectifiedFlowSchedule().At(0.5);
        var x = zeros(1, 3, float64);
        var (zero, some) = (new Estimate(zeros(1, 3, float64)), new Estimate(tensor(new[,] { { 0.3, -0.2, 0.5 } })));
        Assert.True(GuidanceRule.Projected(3).Combine(x, level, zero, some).Data.allclose(some.Data * -2, 1e-12, 1e-12)); // all of Δ
        Assert.True(GuidanceRule.OptimizedScale(3).Combine(x, level, some, zero).Data.allclose(some.Data * 3, 1e-12, 1e-12));
        var flat = new Estimate(full(1, 3, 0.4, float64));
        Assert.True(GuidanceRule.Rescaled(3, 0.7).Combine(x, level, flat, new Estimate(full(1, 3, 0.1, float64))).Data.allclose(full(1, 3, 1.0, float64), 1e-12, 1e-12));
        var pure = new RectifiedFlowSchedule().At(1);
        Assert.Contains("α = 0", Assert.Throws<InvalidOperationException>(() => GuidanceRule.Rescaled(3, 0.7, GuidedQuantity.Noise).Combine(x, pure, some, flat)).Message, StringComparison.Ordinal);
        Assert.NotNull(GuidanceRule.Rescaled(3, 0, GuidedQuantity.Noise).Combine(x, pure, some, flat)); // φ = 0 rescales nothing
        foreach (var bad in new[] { double.NaN, double.PositiveInfinity })
            Assert.Contains($"{bad}", Assert.Throws<InvalidOperationException>(() => GuidanceRule.Scheduled(_ => bad).Combine(x, level, some, flat)).Message, StringComparison.Ordinal);
    }

    // A rule that remembers is the run's: freed with it, as the runs of the denoisers within are ended.
    [Fact]
    public void ARunOfARememberingRuleEndsWithAllItHolds()
    {
        using var scope = NewDisposeScope();
        var schedule = new RectifiedFlowSchedule();
        var (a, b) = (new Ending(schedule), new Ending(schedule));
        foreach (var make in new Func<IDenoiser>[]
        {
            () => new ClassifierFreeGuidance(a, b, GuidanceRule.Projected(3, momentum: -0.5)),
            () => new BatchedGuidance(a, GuidanceRule.Projected(3, momentum: -0.5)),
        })
        {
            using var x = ones(2, 3).DetachFromDisposeScope();
            var before = Tensor.TotalCount;
            var ended = a.Ends;
            var run = make().BeginRun();
            using (NewDisposeScope()) run.Denoise(x, schedule.At(0.5));
            Assert.Equal(before + 1, Tensor.TotalCount); // the mean of the differences
            ((IDisposable)run).Dispose();
            Assert.Equal(before, Tensor.TotalCount);
            Assert.Equal(ended + 1, a.Ends);
            Assert.Same(schedule, run.Schedule);
        }

        Assert.Equal(1, b.Ends);
    }

    [Fact]
    public void AFlowAtRestIsNeitherMovedNorAsked()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var grid = TimeGrid.Uniform(Schedule, 10);
        var inner = new Constant(Schedule, 0.3);
        var start = noise.Next([2, 3], ScalarType.Float64, CPU);
        var states = new List<Tensor>();
        var hooks = new SamplingHooks { OnStep = (_, x, _) => states.Add(x.clone().DetachFromDisposeScope()) };
        new DdimSampler().Sample(new ZeroInit(inner, grid, 3), start, grid, noise, hooks);
        Assert.Equal(7, inner.Calls);
        for (var i = 0; i < 3; i++) Same(start, states[i]);
        Assert.False(states[3].allclose(start, 1e-3, 1e-3));
        foreach (var state in states) state.Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZeroInit(inner, grid, 10));
    }

    [Fact]
    public void ThresholdsOfTheReferenceVector()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { -3, -1.5, -0.5, 0, 0.2, 0.8, 1, 2 }).view(1, 8);
        var identity = new Identity(Schedule);
        foreach (var (ratio, threshold) in new[] { (0.95, 2.65), (0.995, 2.965) })
            Same(x.clamp(-threshold, threshold) / threshold, new DynamicThreshold(identity, ratio).Denoise(x, Level).Data);
        var small = x / 4;
        Same(small, new DynamicThreshold(identity).Denoise(small, Level).Data);
        Same(x.clamp(-1, 1), new ClampedDenoiser(identity).Denoise(x, Level).Data);
    }

    private static (Tensor X, Estimate Conditional, Estimate Unconditional) Estimates()
    {
        using var noise = NoiseSource.FromSeed(5);
        Tensor Draw() => noise.Next([3, 2, 4], ScalarType.Float64, CPU);
        return (Draw(), new Estimate(Draw() + 0.2), new Estimate(Draw() * 0.7));
    }

    private static void Same(Tensor expected, Tensor actual) => Assert.True((expected - actual).abs().max().item<double>() < 1e-12, $"{(expected - actual).abs().max().item<double>():e3}");

    private sealed class Identity(NoiseSchedule schedule) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(x.alias());
    }

    private sealed class Constant(NoiseSchedule schedule, double value) : IDenoiser
    {
        public int Calls { get; private set; }

        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            Calls++;
            return new Estimate(full_like(x, value));
        }
    }

    private sealed class Ending(NoiseSchedule schedule) : IDenoiser
    {
        public int Ends { get; private set; }

        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => throw new InvalidOperationException("Only the run is asked.");

        public IDenoiser BeginRun() => new Run(this);

        private sealed class Run(Ending owner) : IDenoiser, IDisposable
        {
            public NoiseSchedule Schedule => owner.Schedule;

            public Estimate Denoise(Tensor x, NoisePoint at) => new(x.mul(0.5));

            public void Dispose() => owner.Ends++;
        }
    }
}
