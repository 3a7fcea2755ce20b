using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class VariationalBoundTests
{
    private static readonly DiscreteSchedule Linear = new(BetaSchedule.Linear());

    private static double Entropy(double deviation) => 0.5 * Math.Log(2 * Math.PI * Math.E * deviation * deviation);

    // Nats a number over N(0, s²) with the exact model; no draw has a part in it.
    private static double Mean(IDenoiser denoiser, TimeGrid grid, double deviation, ReverseVariance variance, DecoderVariance decoder)
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        var bound = new VariationalBound(variance) { DecoderVariance = decoder, Prior = NoisePrior.StandardNormal };
        return bound.Evaluate(denoiser, SignNoise.Data(deviation), grid, noise).Total.mean().item<double>();
    }

    // T = 1000, linear β; the last two with the published decoder variance.
    [Theory]
    [InlineData(1, ReverseVariance.Small, DecoderVariance.Forward, 1.88383085)]
    [InlineData(1, ReverseVariance.Large, DecoderVariance.Forward, 1.41893853)]
    [InlineData(0.5, ReverseVariance.Small, DecoderVariance.Forward, 1.18213979)]
    [InlineData(0.5, ReverseVariance.Large, DecoderVariance.Forward, 0.72688361)]
    [InlineData(1, ReverseVariance.Small, DecoderVariance.PosteriorBefore, 1.99753338)]
    [InlineData(0.5, ReverseVariance.Small, DecoderVariance.PosteriorBefore, 1.29571728)]
    public void FixedVariancesGiveTheirKnownBounds(double deviation, ReverseVariance variance, DecoderVariance decoder, double expected) =>
        Assert.Equal(expected, Mean(new GaussianDenoiser(Linear, 0, deviation), Linear.Grid(1000), deviation, variance, decoder), 1e-8);

    [Theory]
    [InlineData(1, 1000)]
    [InlineData(0.5, 1000)]
    [InlineData(0.1, 1000)]
    [InlineData(0.5, 50)]
    [InlineData(0.5, 10)]
    public void TheBestVarianceMakesTheBoundTheEntropyForAnyNumberOfSteps(double deviation, int steps)
    {
        var grid = Linear.Grid(steps);
        // What is left of it is the prior, which is not quite the marginal at the noisy end.
        Assert.Equal(Entropy(deviation), Mean(new OptimalVarianceDenoiser(grid, deviation, range: false), grid, deviation, ReverseVariance.LearnedLog, default), 1e-8);
        Assert.Equal(Entropy(deviation), Mean(new OptimalVarianceDenoiser(grid, deviation, range: true), grid, deviation, ReverseVariance.LearnedRange, default), 1e-8);
    }

    // Each term is least there: a logarithm off by δ costs ½(e^{−δ} − 1 + δ) a step, whatever the step.
    [Theory]
    [InlineData(0.1)]
    [InlineData(-0.1)]
    public void AnyOtherVarianceCostsWhatTheFormulaSays(double shift)
    {
        var grid = Linear.Grid(50);
        var cost = Mean(new OptimalVarianceDenoiser(grid, 0.5, range: false, shift), grid, 0.5, ReverseVariance.LearnedLog, default) - Entropy(0.5);
        Assert.Equal(50 * 0.5 * (Math.Exp(-shift) - 1 + shift), cost, 1e-8);
    }

    [Theory]
    [InlineData(ReverseVariance.Small, DecoderVariance.Forward)]
    [InlineData(ReverseVariance.Small, DecoderVariance.PosteriorBefore)]
    [InlineData(ReverseVariance.Large, DecoderVariance.Forward)]
    public void NoFixedVarianceGoesBelowTheEntropyForAnyNumberOfSteps(ReverseVariance variance, DecoderVariance decoder)
    {
        foreach (var steps in new[] { 1000, 200, 50, 10, 2 })
            Assert.InRange(Mean(new GaussianDenoiser(Linear, 0, 0.5), Linear.Grid(steps), 0.5, variance, decoder) - Entropy(0.5), 1e-4, 10);
    }

    [Fact]
    public void TheTermsAreTheDivergencesOfTheTwoKernels()
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        var schedule = new CosineSchedule();
        var grid = TimeGrid.Uniform(schedule, 8);
        var denoiser = new GaussianDenoiser(schedule, 0.2, 0.6);
        var x0 = SignNoise.Data(0.9, 0.1);
        var terms = new VariationalBound(ReverseVariance.Large).Evaluate(denoiser, x0, grid, noise);
        Assert.Equal([4L, 7], terms.Diffusion.shape);
        Assert.Equal(7, terms.Levels.Count);
        for (var i = 0; i < 7; i++)
        {
            var transition = new Transition(grid[i].At.Level, grid[i].To);
            var x = x0 * grid[i].At.Level.Alpha + noise.NextLike(x0) * grid[i].At.Level.Sigma;
            var shift = (denoiser.Denoise(x, grid[i].At).Data - x0) * transition.PosteriorData;
            var (q, p) = (transition.PosteriorVariance, transition.ForwardVariance);
            var expected = (shift.square() / p + q / p - 1 - Math.Log(q / p)) / 2;
            Assert.True(expected.squeeze(1).allclose(terms.Diffusion.select(1, i), 1e-9, 1e-12));
        }

        Assert.True((terms.Prior + terms.Diffusion.sum(1) + terms.Reconstruction).allclose(terms.Total, 1e-12));
        Assert.True(NoisePrior.Drawn.Divergence(x0, schedule.At(1)).allclose(terms.Prior));
    }

    // Bits of data on levels: the probability of a level cannot be more than 1, and the decoder is a distribution.
    [Fact]
    public void DataOnLevelsHasAProbabilityAndNoDensity()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var levels = new Quantization(16);
        // All data on one level: a sharp model of it needs hardly any bits.
        var x0 = full([8, 3], levels.Minimum + 5 * levels.Step, float64);
        var sharp = new GaussianDenoiser(Linear, levels.Minimum + 5 * levels.Step, 1e-4);
        var bound = new VariationalBound(ReverseVariance.Small) { Decoder = new DiscretizedGaussian(levels), Prior = NoisePrior.StandardNormal };
        var total = bound.Evaluate(sharp, x0, Linear.Grid(1000), noise).Total;
        Assert.True(total.min().item<double>() > 0);
        Assert.Equal(0, Quantization.BitsOfProbability(-total, 3).mean().item<double>(), 1e-4);
    }

    [Fact]
    public void BrokenChainsAndMissingVariancesAreErrors()
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        var denoiser = new GaussianDenoiser(Linear);
        var x0 = ones(2, 2);
        var gap = new TimeGrid(Linear, new GridStep(Linear.AtTimestep(900), Linear.AtTimestep(500)), new GridStep(Linear.AtTimestep(400), Linear.Clean));
        Assert.Contains("Step 1", Assert.Throws<ArgumentException>(() => new VariationalBound().Evaluate(denoiser, x0, gap, noise)).Message, StringComparison.Ordinal);
        var rising = new TimeGrid(Linear, new GridStep(Linear.AtTimestep(400), Linear.AtTimestep(500)));
        Assert.Throws<ArgumentException>(() => new VariationalBound().Evaluate(denoiser, x0, rising, noise));
        Assert.Throws<InvalidOperationException>(() => new VariationalBound(ReverseVariance.LearnedRange).Evaluate(denoiser, x0, Linear.Grid(10), noise));
        Assert.Throws<ArgumentException>(() => new VariationalBound().Evaluate(denoiser, ones(2, int64), Linear.Grid(10), noise));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => new VariationalBound().Evaluate(denoiser, x0, Linear.Grid(10), noise, cancellationToken: cancelled.Token));
    }

    [Fact]
    public void LeavesOnlyItsTerms()
    {
        using var noise = new SignNoise();
        using var x0 = ones(2, 2);
        var denoiser = new GaussianDenoiser(Linear);
        new VariationalBound().Evaluate(denoiser, x0, Linear.Grid(5), noise).Total.Dispose();
        var before = LiveTensors.Count();
        using (NewDisposeScope())
        {
            new VariationalBound().Evaluate(denoiser, x0, Linear.Grid(5), noise);
            new ContinuousBound(5).Evaluate(denoiser, x0, noise);
            Assert.Equal(before + 8, LiveTensors.Count());
        }

        Assert.Equal(before, LiveTensors.Count());
    }
}
