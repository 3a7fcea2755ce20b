using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Guidance;
using Xunit;

namespace Diffusion.Tests.Core;

public class GuidanceTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    [Theory]
    [InlineData(2, 0.25)]
    [InlineData(4, 0.0625)]
    [InlineData(7.5, 0.005524)]
    public void GuidedGaussiansGetThePowerProductOfTheirDeviations(double scale, double expected)
    {
        // s_c = ½, s_u = 1: the deviation after the exact flow is s_c^w·s_u^{1−w}, not that of the tilted product (reference table GD).
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var guided = new ClassifierFreeGuidance(new GaussianDenoiser(Schedule, 0, 0.5), new GaussianDenoiser(Schedule, 0, 1), scale);
        var grid = TimeGrid.LogSnr(Schedule, 2000, to: 1e-5);
        var start = full([1], Schedule.At(1).Sigma, float64);
        var end = new DdimSampler().Sample(guided, start, grid, noise);
        // Euler's method in 2,000 steps is first order: half a percent of the logarithm of the ratio.
        Assert.Equal(Math.Log(expected), Math.Log(end.item<double>()), 0.02 * Math.Abs(Math.Log(expected)));
    }

    [Fact]
    public void OneDoubleBatchEqualsTwoCalls()
    {
        using var scope = NewDisposeScope();
        using var network = new LabelledNetwork();
        var parameterization = Parameterization.V();
        var condition = Conditioning.ForClasses([0, 2, 1], nullClass: 3);
        var two = new ClassifierFreeGuidance(
            new NetworkDenoiser(network, Schedule, parameterization, condition),
            new NetworkDenoiser(network, Schedule, parameterization, condition.DropAll()), 2.5);
        var one = ClassifierFreeGuidance.Batched(network, Schedule, parameterization, condition, 2.5);
        using var noise = NoiseSource.FromSeed(1);
        var x = noise.Next([3, 4], ScalarType.Float64, CPU);
        var point = Schedule.At(0.6);
        Assert.True(two.Denoise(x, point).Data.allclose(one.Denoise(x, point).Data, 1e-12, 1e-12));
    }

    [Fact]
    public void ScaleOneAndZeroSkipTheOtherBranch()
    {
        using var scope = NewDisposeScope();
        var (conditional, unconditional) = (new CountingDenoiser(Schedule), new CountingDenoiser(Schedule));
        var x = zeros(1, 2);
        new ClassifierFreeGuidance(conditional, unconditional, 1).Denoise(x, Schedule.At(0.5));
        Assert.Equal((1, 0), (conditional.Calls, unconditional.Calls));
        new ClassifierFreeGuidance(conditional, unconditional, 0).Denoise(x, Schedule.At(0.5));
        Assert.Equal((1, 1), (conditional.Calls, unconditional.Calls));
    }

    [Fact]
    public void HoAndSalimansCountFromTheConditionalModel()
    {
        var guidance = ClassifierFreeGuidance.FromHoSalimans(new CountingDenoiser(Schedule), new CountingDenoiser(Schedule), 0.5);
        Assert.Equal(1.5, guidance.Scale);
    }

    [Fact]
    public void ClippingKeepsOrRederivesTheNoise()
    {
        using var scope = NewDisposeScope();
        var level = Schedule.At(0.5);
        var inner = new GaussianDenoiser(Schedule, 0, 10);
        var x = tensor(new[] { 4.0 });
        var raw = inner.Denoise(x, level);
        var kept = new ClampedDenoiser(inner, 1, keepNoise: true).Denoise(x, level);
        var derived = new ClampedDenoiser(inner).Denoise(x, level);
        Assert.Equal(1, kept.Data.item<double>());
        Assert.Equal(raw.NoiseAt(x, level).item<double>(), kept.NoiseAt(x, level).item<double>(), 1e-12);
        Assert.Equal((4 - level.Alpha) / level.Sigma, derived.NoiseAt(x, level).item<double>(), 1e-12);
    }

    [Fact]
    public void ADecoratorHandsTheRunOnAndEndsIt()
    {
        using var scope = NewDisposeScope();
        var inner = new WithRuns(Schedule);
        using var noise = NoiseSource.FromSeed(0);
        using var _ = new DdimSampler().Sample(new ClampedDenoiser(inner), zeros(1, 2), TimeGrid.Uniform(Schedule, 3), noise);
        Assert.Equal((1, 3, 1), (inner.Runs, inner.Calls, inner.Ends));
    }

    private sealed class WithRuns(NoiseSchedule schedule) : IDenoiser
    {
        public int Runs { get; private set; }

        public int Calls { get; private set; }

        public int Ends { get; private set; }

        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => throw new InvalidOperationException("Only the run is asked.");

        public IDenoiser BeginRun()
        {
            Runs++;
            return new OneRun(this);
        }

        private sealed class OneRun(WithRuns owner) : IDenoiser, IDisposable
        {
            public NoiseSchedule Schedule => owner.Schedule;

            public Estimate Denoise(Tensor x, NoisePoint at)
            {
                owner.Calls++;
                return new Estimate(x.mul(0.5));
            }

            public void Dispose() => owner.Ends++;
        }
    }
}
