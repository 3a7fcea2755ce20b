using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class PredictorCorrectorTests
{
    [Theory, InlineData(1, 1, 1.025497), InlineData(1, 0.25, 0.256297), InlineData(2, 1, 1.025497), InlineData(2, 0.25, 0.256297)]
    public void PublishedSettingsLeaveTheirKnownVarianceInManyDimensions(int corrections, double dataVariance, double expected)
    {
        using var scope = NewDisposeScope();
        var schedule = new VarianceExplodingSchedule();
        var sampler = new PredictorCorrectorSampler(corrector: LangevinCorrector.SignalToNoise(0.16, corrections));
        var dimensions = 1000 * (corrections + 1) + 1;
        var end = sampler.Sample(new GaussianDenoiser(schedule, 0, Math.Sqrt(dataVariance)), OrthogonalNoise.State(dimensions, 2500), TimeGrid.Uniform(schedule, 1000), new OrthogonalNoise());
        Assert.Equal(expected, end.square().mean().item<double>(), 6e-7);
    }

    [Theory, InlineData(0.5), InlineData(2)]
    public void TheCorrectorsFixedPointIsTooWideByItsRatioSquared(double sigma)
    {
        const double r = 0.16, dataVariance = 0.25;
        var right = dataVariance + sigma * sigma;
        Assert.Equal((1 + r * r) * right, Corrected((1 + r * r) * right, sigma, dataVariance, 1), 1e-12 * right);
        // From the right variance one step multiplies it by 1 + 4r⁴, and many reach the fixed point.
        Assert.Equal((1 + 4 * Math.Pow(r, 4)) * right, Corrected(right, sigma, dataVariance, 1), 1e-12 * right);
        Assert.Equal((1 + r * r) * right, Corrected(right, sigma, dataVariance, 500), 1e-9 * right);
    }

    [Fact]
    public void TheAnnealedCorrectorStepsByTheLevelAlone()
    {
        // ε = 2(rσ)²: the variance settles at that of Langevin dynamics with this step, v/(1 − ε/2v).
        using var scope = NewDisposeScope();
        const double r = 0.3, sigma = 0.5, right = 0.25 + sigma * sigma, size = 2 * r * r * sigma * sigma;
        var end = Correct(LangevinCorrector.Annealed(r, 400), OrthogonalNoise.State(401, right), sigma, 0.25);
        Assert.Equal(right / (1 - size / (2 * right)), end.square().mean().item<double>(), 1e-10);
    }

    [Fact]
    public void WithNormsOfItsOwnASampleDoesNotDependOnTheBatch()
    {
        using var scope = NewDisposeScope();
        var schedule = new VarianceExplodingSchedule(0.01, 5);
        var grid = TimeGrid.Uniform(schedule, 20);
        Tensor Sample(bool perSample, params long[] seeds)
        {
            using var noise = NoiseSource.PerSample(seeds);
            var start = schedule.DrawPrior([seeds.Length, 8], noise);
            return new PredictorCorrectorSampler(corrector: LangevinCorrector.SignalToNoise(perSample: perSample)).Sample(new GaussianDenoiser(schedule), start, grid, noise);
        }

        Assert.True(Sample(true, 5)[0].allclose(Sample(true, 4, 5, 6)[1], 1e-6, 1e-6));
        Assert.False(Sample(false, 5)[0].allclose(Sample(false, 4, 5, 6)[1], 1e-6, 1e-6)); // the published norms are the batch's
    }

    [Fact]
    public void AnyOneStepSamplerPredictsAndOneThatLooksBackIsRefused()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var schedule = new VariancePreservingSchedule();
        foreach (Sampler predictor in new Sampler[] { new EulerMaruyamaSampler(), new DdpmSampler(ReverseVariance.Large), new HeunSampler() })
        {
            var sampler = new PredictorCorrectorSampler(predictor, LangevinCorrector.SignalToNoise(0.1));
            var start = schedule.DrawPrior([2000, 16], noise);
            var end = sampler.Sample(new GaussianDenoiser(schedule, 0.3, 0.5), start, TimeGrid.Uniform(schedule, 100), noise);
            Assert.Equal(0.3, end.mean().item<float>(), 0.02);
            Assert.Equal(0.25, end.var().item<float>(), 0.02); // 1 % from the corrector, the rest from 100 steps
        }

        Assert.Throws<ArgumentException>(() => new PredictorCorrectorSampler(new LinearMultistepSampler(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => LangevinCorrector.SignalToNoise(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LangevinCorrector.Annealed(0.1, 0));
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        using var noise = NoiseSource.FromSeed(3);
        var schedule = new VarianceExplodingSchedule();
        using var start = schedule.DrawPrior([2, 3], noise);
        var before = LiveTensors.Count();
        using (new PredictorCorrectorSampler().Sample(new GaussianDenoiser(schedule), start, TimeGrid.Uniform(schedule, 5), noise))
            Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(before, LiveTensors.Count());
    }

    private static double Corrected(double variance, double sigma, double dataVariance, int steps)
    {
        using var scope = NewDisposeScope();
        return Correct(LangevinCorrector.SignalToNoise(0.16, steps), OrthogonalNoise.State(steps + 1, variance), sigma, dataVariance).square().mean().item<double>();
    }

    // Correction alone: the step goes to its own level, where Euler's method does nothing.
    private static Tensor Correct(LangevinCorrector corrector, Tensor x, double sigma, double dataVariance)
    {
        var schedule = new VarianceExplodingSchedule(0.01, 50);
        var level = schedule.AtNoiseToSignal(sigma);
        var grid = new TimeGrid(schedule, new GridStep(level, level));
        return new PredictorCorrectorSampler(new DdimSampler(), corrector).Sample(new GaussianDenoiser(schedule, 0, Math.Sqrt(dataVariance)), x, grid, new OrthogonalNoise());
    }
}
