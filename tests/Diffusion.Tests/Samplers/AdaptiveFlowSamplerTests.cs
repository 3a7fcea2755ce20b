using Diffusion.Denoisers;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class AdaptiveFlowSamplerTests
{
    private const double Mean = 0.3;
    private const double Deviation = 0.5;

    public static TheoryData<string, bool, FlowVariable> Cases
    {
        get
        {
            var data = new TheoryData<string, bool, FlowVariable>();
            foreach (var schedule in LawSchedules.Names)
                foreach (var fifth in new[] { true, false })
                    foreach (var variable in Enum.GetValues<FlowVariable>()) data.Add(schedule, fifth, variable);
            return data;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void TheGaussianMapIsMetToTheTolerance(string name, bool fifth, FlowVariable variable)
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of(name);
        foreach (var tolerance in new[] { 1e-4, 1e-7 })
        {
            var grid = LawGrids.Of(schedule, 1);
            var start = tensor(new[] { -1.5, 0.2, 1.0 }).mul(LawGrids.Most).add(Mean);
            var end = Sampler(tolerance, fifth, variable).Sample(new GaussianDenoiser(schedule, Mean, Deviation), start.mul(grid.Start.Alpha), grid, NoNoise).div(grid.End.Alpha);
            for (var i = 0; i < 3; i++)
            {
                var exact = ExactFlow.Gaussian(start[i].item<double>(), LawGrids.Most, LawGrids.Least, Mean, Deviation);
                Assert.Equal(exact, end[i].item<double>(), 200 * tolerance); // some dozen to hundred steps of one tolerance each
            }
        }
    }

    [Theory]
    [InlineData(FlowVariable.Angle)]
    [InlineData(FlowVariable.Time)]
    public void StartsFromPureNoiseOnTheStraightPath(FlowVariable variable)
    {
        using var scope = NewDisposeScope();
        var schedule = new RectifiedFlowSchedule();
        var grid = TimeGrid.FromPoints(schedule, [schedule.At(1)], schedule.At(0.01));
        var end = Sampler(1e-8, true, variable).Sample(new GaussianDenoiser(schedule, Mean, Deviation), tensor(new[] { 1.0 }), grid, NoNoise).item<double>();
        Assert.Equal(0.99 * Mean + Math.Sqrt(0.99 * 0.99 * 0.25 + 1e-4), end, 1e-6);
    }

    [Fact]
    public void TheMixturesFlowIsMet()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 1);
        var end = Sampler(1e-9, true, FlowVariable.Angle).Sample(new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture), full(1, 72 * grid.Start.Alpha, dtype: float64).view(1, 1), grid, NoNoise);
        Assert.Equal(0.7711995019238951, end.item<double>() / grid.End.Alpha, 1e-6);
    }

    [Fact]
    public void EncodesAndDecodesBack()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("cosine");
        var denoiser = new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture);
        var (low, high) = (schedule.AtNoiseToSignal(0.01), schedule.AtNoiseToSignal(50));
        var data = tensor(new[] { -0.7, 0.65, 0.1 }).view(3, 1);
        var sampler = Sampler(1e-9, true, FlowVariable.Angle);
        var code = sampler.Sample(denoiser, data, TimeGrid.FromPoints(schedule, [low], high), NoNoise);
        Assert.InRange(code.abs().max().item<double>(), 0.1, 4);
        var back = sampler.Sample(denoiser, code, TimeGrid.FromPoints(schedule, [high], low), NoNoise);
        Assert.True(back.sub(data).abs().max().item<double>() < 1e-5);
    }

    [Fact]
    public void ReportsEveryTrialAndEndsWithTheEstimate()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.ToData(schedule, 2);
        var seen = new List<(double LogSnr, double Estimate)>();
        var reports = new SamplingReports();
        var hooks = new SamplingHooks
        {
            Progress = reports,
            OnStep = (step, _, estimate) => seen.Add((step.To.LogSnr, estimate!.Data.item<double>())),
        };
        var end = Sampler(1e-5, true, FlowVariable.Angle).Sample(new GaussianDenoiser(schedule, Mean, Deviation), full(1, 40.0 * grid.Start.Alpha, dtype: float64), grid, NoNoise, hooks);
        Assert.True(seen.Count > 5);
        Assert.Equal(double.PositiveInfinity, seen[^1].LogSnr);
        Assert.Equal(seen[^1].Estimate, end.item<double>());
        Assert.Equal(2 + 6 * (seen.Count - 2), reports.All[^1].Evaluations); // first estimate and first length; six a trial; the last estimate is known
    }

    [Fact]
    public void ACallbackThatChangesTheStateIsFollowed()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 1);
        double End(SamplingHooks? hooks) => Sampler(1e-5, true, FlowVariable.Angle).Sample(new GaussianDenoiser(schedule, Mean, Deviation), full(1, 40.0 * grid.Start.Alpha, dtype: float64), grid, NoNoise, hooks).item<double>();
        Assert.Equal(End(null), End(new SamplingHooks { AfterStep = (_, x) => x.clone() }), 1e-14);
        Assert.NotEqual(End(null), End(new SamplingHooks { AfterStep = (_, x) => x.mul(0.999) }), 1e-6);
    }

    [Fact]
    public void StopsWhenCancelledAndLeavesNothing()
    {
        var schedule = LawSchedules.Of("flow");
        var grid = LawGrids.Of(schedule, 1);
        var denoiser = new GaussianDenoiser(schedule, Mean, Deviation);
        using var start = full(4, 30.0, dtype: float64);
        using var noise = NoiseSource.FromSeed(0);
        using var source = new CancellationTokenSource();
        var before = LiveTensors.Count();
        var steps = 0;
        Assert.Throws<OperationCanceledException>(() => Sampler(1e-6, true, FlowVariable.Angle).Sample(denoiser, start, grid, noise, new SamplingHooks
        {
            OnStep = (_, _, _) =>
            {
                if (++steps == 3) source.Cancel();
            },
        }, source.Token));
        Assert.Equal(3, steps);
        Assert.Equal(before, LiveTensors.Count());
        Sampler(1e-6, true, FlowVariable.Time).Sample(denoiser, start, grid, noise).Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void AStepInTimeNeedsFiniteSlopes()
    {
        using var scope = NewDisposeScope();
        var schedule = new CosineSchedule();
        var unnamed = TimeGrid.FromPoints(schedule, [NoiseLevel.Of(0.6, 0.8)], NoiseLevel.Of(0.8, 0.6));
        Assert.Throws<ArgumentException>(() => Sampler(1e-5, true, FlowVariable.Time).Sample(new GaussianDenoiser(schedule), ones(1), unnamed, NoNoise));
        Assert.True(double.IsFinite(Sampler(1e-5, true, FlowVariable.Angle).Sample(new GaussianDenoiser(schedule), ones(1), unnamed, NoNoise).item<float>()));
    }

    private static NoiseSource NoNoise { get; } = new None();

    private static AdaptiveFlowSampler Sampler(double tolerance, bool fifth, FlowVariable variable) =>
        new(fifth ? RungeKutta.DormandPrince : RungeKutta.BogackiShampine, new ErrorTolerance(tolerance, tolerance), variable);

    private sealed class None : NoiseSource
    {
        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => throw new InvalidOperationException("The flow draws no noise.");

        public override double NextDouble() => throw new InvalidOperationException("The flow draws no noise.");
    }
}
