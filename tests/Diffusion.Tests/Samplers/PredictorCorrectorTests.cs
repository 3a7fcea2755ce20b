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

    // Where α falls the step is that of the published program, which multiplies it by 1 − β = (α/α')² of the step.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OnAVariancePreservingPathTheStepShrinks(bool annealed)
    {
        using var scope = NewDisposeScope();
        const double r = 0.3;
        var schedule = new VariancePreservingSchedule();
        var grid = TimeGrid.FromTimes(schedule, [0.6], schedule.At(0.45));
        var (from, to) = (grid.Start, grid.End);
        using var noise = NoiseSource.FromSeed(2);
        using var same = NoiseSource.FromSeed(2);
        var corrector = annealed ? LangevinCorrector.Annealed(r) : LangevinCorrector.SignalToNoise(r);
        Assert.Equal(r, corrector.Ratio);
        Assert.Equal(1, corrector.Steps);
        var start = tensor(new[,] { { 0.7, -0.2 }, { 1.4, 0.1 } });
        var end = new PredictorCorrectorSampler(new Standing(), corrector).Sample(new GaussianDenoiser(schedule, 0.3, 0.6), start, grid, noise);
        var score = (start - from.Alpha * 0.3) / -(from.Alpha * from.Alpha * 0.36 + from.Sigma * from.Sigma);
        var drawn = same.NextLike(start);
        static double Norm(Tensor t) => t.square().sum([1L]).sqrt().mean().item<double>();
        var size = 2 * Math.Pow(r * (annealed ? from.Sigma : Norm(drawn) / Norm(score)) * from.Alpha / to.Alpha, 2);
        Assert.True(end.allclose(start + score * size + drawn * Math.Sqrt(2 * size), 1e-12, 1e-12));
    }

    [Fact]
    public void AStateWithoutNumbersASampleIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var schedule = new VariancePreservingSchedule();
        var error = Assert.Throws<ArgumentException>(() => new PredictorCorrectorSampler().Sample(new GaussianDenoiser(schedule), ones(3), TimeGrid.Uniform(schedule, 2, from: 0.9), noise));
        Assert.Contains("[3]", error.Message, StringComparison.Ordinal);
    }

    // A predictor that stays where the corrector put it.
    private sealed class Standing : Sampler
    {
        protected override Tensor Step(SamplerStep step, Tensor x)
        {
            step.Denoise(x);
            return x;
        }
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
