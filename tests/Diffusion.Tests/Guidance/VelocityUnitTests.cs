using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

public class VelocityUnitTests
{
    // Of x = α·d + σ·e and v = α'·d + σ'·e, d.
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.6)]
    public void DataFollowsFromStateAndVelocityOnAnyPath(double time)
    {
        using var scope = NewDisposeScope();
        foreach (var schedule in new NoiseSchedule[] { new TrigonometricSchedule(), new VariancePreservingSchedule(), new KarrasSchedule(), new RectifiedFlowSchedule() })
        {
            var level = schedule.At(time);
            var (d, e) = (randn(4, 3, dtype: float64), randn(4, 3, dtype: float64));
            Assert.True(VelocityUnit.ToData(d * level.Alpha + e * level.Sigma, level, d * level.AlphaDot + e * level.SigmaDot).allclose(d, 1e-9, 1e-9));
            Assert.True(VelocityUnit.AtRest(d, level).allclose(VelocityUnit.ToData(d, level, zeros_like(d)), 1e-12, 1e-12));
        }
    }

    [Fact]
    public void LevelsWithoutSlopesAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        foreach (var level in new[] { NoiseLevel.Of(0.8, 0.6), new NoiseLevel(0.5, 0.8, 0.6, 0, 0), new NoiseLevel(0.5, 0.8, 0.6, double.NegativeInfinity, 1) })
            Assert.Contains("α = 0.8, σ = 0.6", Assert.Throws<InvalidOperationException>(() => VelocityUnit.AtRest(ones(1, 2), level)).Message, StringComparison.Ordinal);
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
