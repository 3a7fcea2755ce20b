using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class ConsistencySamplerTests
{
    private const double Mean = 0.3;
    private const double Deviation = 0.5;

    public static TheoryData<string> Schedules => new(LawSchedules.Names);

    // A perfect consistency model maps the marginal of every level to the data, so every number of steps gives the data.
    [Theory, MemberData(nameof(Schedules))]
    public void WithTheExactFunctionEveryNumberOfStepsIsExact(string name)
    {
        var model = new ExactConsistency(LawSchedules.Of(name), 0);
        foreach (var steps in new[] { 1, 2, 5 })
        {
            var grid = LawGrids.ToData(model.Schedule, steps);
            var (mean, variance) = MomentPropagation.Of(new ConsistencySampler(), model, grid, grid.Start.Alpha * Mean, Variance(grid.Start.Alpha, grid.Start.Sigma));
            Assert.Equal(Mean, mean, 1e-12);
            Assert.Equal(Deviation * Deviation, variance, 1e-12);
        }
    }

    [Fact]
    public void AFloorIsTheLevelThatTheModelAnswersAt()
    {
        const double Floor = 0.02;
        var model = new ExactConsistency(new VarianceExplodingForm(new RectifiedFlowSchedule()), Floor);
        var levels = Array.ConvertAll<double, NoisePoint>([80, 5, 0.5], sigma => NoiseLevel.Of(1, sigma));
        var grid = TimeGrid.FromPoints(model.Schedule, levels, NoiseLevel.Of(1, Floor));
        var (mean, variance) = MomentPropagation.Of(new ConsistencySampler(NoiseLevel.Of(1, Floor)), model, grid, Mean, Variance(1, 80));
        Assert.Equal(Mean, mean, 1e-12);
        Assert.Equal(Variance(1, Floor), variance, 1e-12);
    }

    // A floor of any α: the data's noise there is counted as part of the noise that the next level needs.
    [Theory]
    [InlineData(0.45, 1)]
    [InlineData(0.45, 0.6)]
    [InlineData(0.1, 1)] // the floor itself needs no more noise
    public void TheNoiseOfTheFloorIsNotAddedTwice(double time, double scale)
    {
        var schedule = LawSchedules.Of("vp");
        var (floor, to) = (schedule.At(0.1), schedule.At(time));
        using var noise = NoiseSource.FromSeed(2);
        using var same = NoiseSource.FromSeed(2);
        var states = ScriptedDenoiser.States(new ConsistencySampler(floor, scale), new ScriptedDenoiser(schedule, _ => 0.4), TimeGrid.FromTimes(schedule, [0.6], to), 1.1, noise);
        var added = Math.Sqrt(Math.Max(0, to.NoiseToSignal * to.NoiseToSignal - floor.NoiseToSignal * floor.NoiseToSignal));
        Assert.Equal(to.Alpha * (0.4 / floor.Alpha + scale * added * same.Next([1], ScalarType.Float64, CPU).item<double>()), states[^1], 1e-12);
    }

    [Theory, MemberData(nameof(Schedules))]
    public void ASinglePointIsFoundExactly(string name)
    {
        using var scope = NewDisposeScope();
        var denoiser = new GaussianDenoiser(LawSchedules.Of(name), Mean, 0);
        var grid = LawGrids.ToData(denoiser.Schedule, 4);
        foreach (var sampler in new Sampler[] { new ConsistencySampler(), new TcdSampler(), new TcdSampler(0), new TcdSampler(1) })
        {
            using var noise = NoiseSource.FromSeed(0);
            var end = sampler.Sample(denoiser, full(3, 50.0, dtype: float64), grid, noise);
            Assert.True(end.sub(Mean).abs().max().item<double>() < 1e-12);
        }
    }

    // Before its last step a run holds the point and noise of exactly the level's size, whatever γ.
    [Theory, MemberData(nameof(Schedules))]
    public void TcdKeepsTheVarianceOfTheNoise(string name)
    {
        var denoiser = new GaussianDenoiser(LawSchedules.Of(name), Mean, 0);
        var grid = LawGrids.Of(denoiser.Schedule, 8);
        foreach (var gamma in new[] { 0, 0.3, 0.7, 1 })
        {
            var (mean, variance) = MomentPropagation.Of(new TcdSampler(gamma), denoiser, grid, grid.Start.Alpha * Mean, grid.Start.Sigma * grid.Start.Sigma);
            Assert.Equal(grid.End.Alpha * Mean, mean, 1e-10);
            Assert.Equal(1, variance / (grid.End.Sigma * grid.End.Sigma), 1e-9);
        }
    }

    [Theory]
    [InlineData("vp")]
    [InlineData("cosine")]
    [InlineData("flow")]
    public void TcdRunsFromDdimToConsistencySampling(string name)
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of(name);
        var denoiser = new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture);
        var grid = LawGrids.ToData(schedule, 5);
        Tensor End(Sampler sampler)
        {
            using var noise = NoiseSource.FromSeed(1);
            return sampler.Sample(denoiser, tensor(new[] { -60.0, 3, 70 }).view(3, 1).mul(grid.Start.Alpha), grid, noise);
        }

        Assert.True(End(new TcdSampler(0)).sub(End(new DdimSampler())).abs().max().item<double>() < 1e-12);
        if (schedule.At(0).IsClean) Assert.True(End(new TcdSampler(1)).sub(End(new ConsistencySampler())).abs().max().item<double>() < 1e-12);
        Assert.False(End(new TcdSampler(0.5)).sub(End(new DdimSampler())).abs().max().item<double>() < 1e-3);
    }

    [Fact]
    public void TheBoundaryConditionIsTheIdentityAtLabelZero()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var inner = new GaussianDenoiser(schedule, Mean, Deviation);
        var bounded = new ConsistencyDenoiser(inner, NoiseLabel.Timestep(1000));
        var x = tensor(new[] { -1.0, 2.0 });
        var level = schedule.At(0.5);
        Assert.True(bounded.Denoise(x, new NoisePoint(level, 0)).Data.eq(x).all().item<bool>());
        // s = 10·label: c_skip = ¼/(s² + ¼), c_out = s/√(s² + ¼).
        var expected = x.mul(0.25 / 25.25).add(inner.Denoise(x, level).Data, alpha: 5 / Math.Sqrt(25.25));
        Assert.True(bounded.Denoise(x, new NoisePoint(level, 0.5)).Data.allclose(expected, 1e-14, 1e-14));
        var byLevel = bounded.Denoise(x, level).Data; // label 499
        Assert.True(byLevel.allclose(inner.Denoise(x, level).Data, 1e-7, 1e-7));
    }

    [Fact]
    public void TheConsistencyParameterizationIsTheIdentityAtTheFloorAndElseEdms()
    {
        var floor = Parameterization.Consistency(0.5, 0.002).At(NoiseLevel.Of(1, 0.002));
        Assert.Equal((1.0, 0.0), (floor.Skip, floor.Out));
        var scaled = Parameterization.Consistency(0.5, 0.002).At(NoiseLevel.Of(0.5, 0.001));
        Assert.Equal((2.0, 0.0), (scaled.Skip, scaled.Out));
        foreach (var level in new[] { NoiseLevel.Of(1, 3), NoiseLevel.Of(0.6, 0.8) })
        {
            var (ours, edm) = (Parameterization.Consistency(0.5, 0).At(level), Parameterization.Edm(0.5).At(level));
            Assert.Equal(edm.Skip, ours.Skip, 1e-14);
            Assert.Equal(edm.Out, ours.Out, 1e-14);
            Assert.Equal(edm.In, ours.In, 1e-14);
            Assert.Equal(edm.Label, ours.Label);
        }
    }

    [Fact]
    public void RejectsWhatIsOutOfRange()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TcdSampler(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConsistencySampler(noiseScale: -1));
        Assert.Throws<ArgumentException>(() => new ConsistencySampler(NoiseLevel.Of(0, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Parameterization.Consistency(0));
    }

    private static double Variance(double alpha, double sigma) => alpha * alpha * Deviation * Deviation + sigma * sigma;

    // The end of the flow of N(m, s²) at a floor of noise with α = 1.
    private sealed class ExactConsistency(NoiseSchedule schedule, double floor) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
            return new Estimate(x.sub(alpha * Mean).mul_(Math.Sqrt(Variance(1, floor) / Variance(alpha, sigma))).add_(Mean));
        }
    }
}
