using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>Samplers of the reverse equation with exact scores of Gaussian data, where their final variance is known without a random number.</summary>
public class ReverseSamplerTests
{
    [Theory, InlineData(1000, 1, 1.001280), InlineData(1000, 0.25, 0.250233), InlineData(100, 1, 1.013009), InlineData(100, 0.25, 0.253007)]
    public void EulerMaruyamaAsPublishedLeavesItsKnownVariance(int steps, double dataVariance, double expected) =>
        Assert.Equal(expected, FinalVariance(EulerMaruyamaSampler.AsPublished(steps), Linspace(new VariancePreservingSchedule(), steps), dataVariance, 1), 6e-7);

    [Theory, InlineData(1, 1.013064), InlineData(0.25, 0.251800)]
    public void EulerMaruyamaWithTheGridsOwnStepsLeavesItsKnownVariance(double dataVariance, double expected) =>
        Assert.Equal(expected, FinalVariance(new EulerMaruyamaSampler(1, 0.999 / 99, LastStep.Mean), Linspace(new VariancePreservingSchedule(), 100), dataVariance, 1), 6e-7);

    [Theory, InlineData(1, 10.2), InlineData(0.25, 12.9)]
    public void EulerMaruyamasErrorFallsTenfoldWithTenfoldSteps(double dataVariance, double ratio)
    {
        double Error(int steps) => FinalVariance(EulerMaruyamaSampler.AsPublished(steps), Linspace(new VariancePreservingSchedule(), steps), dataVariance, 1) - dataVariance;
        Assert.Equal(ratio, Error(100) / Error(1000), 0.05);
    }

    [Theory, InlineData(1, 1.008467), InlineData(0.25, 0.252043)]
    public void ReverseDiffusionOnVarianceExplodingLeavesItsKnownVariance(double dataVariance, double expected) =>
        Assert.Equal(expected, FinalVariance(new ReverseDiffusionSampler(), TimeGrid.Uniform(new VarianceExplodingSchedule(), 1000), dataVariance, 2500), 6e-7);

    [Theory, InlineData(0), InlineData(0.5), InlineData(1), InlineData(1.5)]
    public void EveryEquationOfTheFamilyHasTheSameMarginals(double eta)
    {
        // Halfway down the sub-VP process, from its exact marginal: 4000 steps of the first order err by half a percent at most.
        var schedule = new SubVariancePreservingSchedule();
        var times = Enumerable.Range(0, 4000).Select(i => 0.9 - 0.5 * i / 4000).ToArray();
        var grid = TimeGrid.FromTimes(schedule, times, schedule.At(0.4));
        double Marginal(NoiseLevel level) => level.Alpha * level.Alpha * 0.25 + level.Sigma * level.Sigma;
        foreach (Sampler sampler in new Sampler[] { new EulerMaruyamaSampler(eta), new ReverseDiffusionSampler(eta), new StochasticHeunSampler(eta) })
            Assert.Equal(Marginal(grid.End), FinalVariance(sampler, grid, 0.25, Marginal(grid.Start)), 3.5e-3);
    }

    [Fact]
    public void TheSmallPosteriorIsTheAncestralPredictorOfVarianceExploding()
    {
        // x + (σ² − σ'²)·s + √(σ'²(σ² − σ'²)/σ²)·z. (Song et al. 2021, eq. 47)
        using var scope = NewDisposeScope();
        var schedule = new VarianceExplodingSchedule();
        var (from, to) = (schedule.At(0.6), schedule.At(0.55));
        var denoiser = new GaussianDenoiser(schedule, 0.3, 0.5);
        var x = tensor(new[,] { { 3.0, -7.0 } });
        var (actual, z) = OneStep(new DdpmSampler(), denoiser, x, from, to);
        var s = denoiser.Denoise(x, from).ScoreAt(x, from);
        var change = from.Sigma * from.Sigma - to.Sigma * to.Sigma;
        var expected = x + s * change + z * Math.Sqrt(to.Sigma * to.Sigma * change / (from.Sigma * from.Sigma));
        Close(expected, actual);
    }

    [Fact]
    public void TheLargePosteriorIsTheAncestralPredictorOfVariancePreserving()
    {
        // (x + β·s)/√(1 − β) + √β·z. (Song et al. 2021, eq. 4)
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(BetaSchedule.Linear());
        var denoiser = new GaussianDenoiser(schedule, 0.3, 0.5);
        var x = tensor(new[,] { { 3.0, -0.7 } });
        var from = schedule.AtTimestep(600);
        var (actual, z) = OneStep(new DdpmSampler(ReverseVariance.Large), denoiser, x, from, schedule.AtTimestep(599));
        var (s, beta) = (denoiser.Denoise(x, from).ScoreAt(x, from), schedule.Betas[600]);
        Close((x + s * beta) / Math.Sqrt(1 - beta) + z * Math.Sqrt(beta), actual);
    }

    [Fact]
    public void ReverseDiffusionUndoesTheDiscreteStep()
    {
        // (2 − √(1 − β))·x + β·s + √β·z. (Song et al. 2021, eq. 46 with the discrete variance-preserving step)
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(BetaSchedule.Linear());
        var denoiser = new GaussianDenoiser(schedule, 0.3, 0.5);
        var x = tensor(new[,] { { 3.0, -0.7 } });
        var from = schedule.AtTimestep(600);
        var (actual, z) = OneStep(new ReverseDiffusionSampler(), denoiser, x, from, schedule.AtTimestep(599));
        var (s, beta) = (denoiser.Denoise(x, from).ScoreAt(x, from), schedule.Betas[600]);
        Close(x * (2 - Math.Sqrt(1 - beta)) + s * beta + z * Math.Sqrt(beta), actual);
    }

    [Fact]
    public void WithoutNoiseEulerMaruyamaIsEulersMethodInTime()
    {
        using var scope = NewDisposeScope();
        var schedule = new CosineSchedule();
        var denoiser = new GaussianDenoiser(schedule, 0.3, 0.5);
        var (from, to) = (schedule.At(0.6), schedule.At(0.55));
        var x = tensor(new[,] { { 3.0, -0.7 } });
        var (actual, _) = OneStep(new EulerMaruyamaSampler(0), denoiser, x, from, to);
        Close(x - denoiser.Denoise(x, from).VelocityAt(x, from) * (from.Time - to.Time), actual);
    }

    [Fact]
    public void PureNoiseIsRefusedWithTheWayOut()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new RectifiedFlowSchedule();
        foreach (Sampler sampler in new Sampler[] { new EulerMaruyamaSampler(), new StochasticHeunSampler() })
        {
            var error = Assert.Throws<ArgumentException>(() =>
                sampler.Sample(new GaussianDenoiser(schedule), zeros(1, 2), TimeGrid.Uniform(schedule, 10), noise));
            Assert.Contains("Start below t = 1", error.Message, StringComparison.Ordinal);
            Assert.True(sampler.Sample(new GaussianDenoiser(schedule), zeros(1, 2), TimeGrid.Uniform(schedule, 10, from: 0.999), noise).isfinite().all().item<bool>());
        }
    }

    [Fact]
    public void LevelsWithoutTimeAndStepsUpwardAreRefused()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new VariancePreservingSchedule();
        var denoiser = new GaussianDenoiser(schedule);
        var timeless = new TimeGrid(schedule, new GridStep(NoiseLevel.Of(0.6, 0.8), schedule.At(0.1)));
        Assert.Throws<ArgumentException>(() => new EulerMaruyamaSampler().Sample(denoiser, zeros(1, 2), timeless, noise));
        var upward = new TimeGrid(schedule, new GridStep(schedule.At(0.1), schedule.At(0.2)));
        foreach (Sampler sampler in new Sampler[] { new EulerMaruyamaSampler(), new StochasticHeunSampler(), new ReverseDiffusionSampler() })
            Assert.Throws<ArgumentException>(() => sampler.Sample(denoiser, zeros(1, 2), upward, noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EulerMaruyamaSampler(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => EulerMaruyamaSampler.AsPublished(0));
    }

    [Fact]
    public void TheFlowMayRunUpward()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new VariancePreservingSchedule();
        var times = Enumerable.Range(0, 400).Select(i => 0.1 + 0.8 * i / 400).ToArray();
        var grid = TimeGrid.FromTimes(schedule, times, schedule.At(0.9));
        var (a, b) = (schedule.At(0.1), schedule.At(0.9));
        var exact = b.Alpha * ExactFlow.Gaussian(1 / a.Alpha, a.NoiseToSignal, b.NoiseToSignal, 0.3, 0.5);
        var end = new StochasticHeunSampler(0).Sample(new GaussianDenoiser(schedule, 0.3, 0.5), ones(1, 1, dtype: float64), grid, noise);
        Assert.Equal(exact, end.item<double>(), 1e-4);
    }

    private static TimeGrid Linspace(NoiseSchedule schedule, int steps) =>
        TimeGrid.FromTimes(schedule, Enumerable.Range(0, steps).Select(i => 1 - 0.999 * i / (steps - 1)).ToArray());

    private static double FinalVariance(Sampler sampler, TimeGrid grid, double dataVariance, double startVariance) =>
        MomentPropagation.Of(sampler, new GaussianDenoiser(grid.Schedule, 0, Math.Sqrt(dataVariance)), grid, 0, startVariance).Variance;

    private static (Tensor State, Tensor Noise) OneStep(Sampler sampler, GaussianDenoiser denoiser, Tensor x, NoiseLevel from, NoiseLevel to)
    {
        using var noise = NoiseSource.FromSeed(7);
        using var again = NoiseSource.FromSeed(7);
        return (sampler.Sample(denoiser, x, new TimeGrid(denoiser.Schedule, new GridStep(from, to)), noise), again.NextLike(x));
    }

    private static void Close(Tensor expected, Tensor actual) => Assert.True(expected.allclose(actual, 1e-12, 1e-12), $"{expected.str()} was expected, not {actual.str()}.");
}
