using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Integration;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class ContinuousBoundTests
{
    private static readonly CosineSchedule Cosine = new();

    // ln(σ²/α²) from −13.3 to 5, the exact model: entropy + prior + ½ln(1 + e^{−13.3}/s²).
    [Theory]
    [InlineData(1, 1.41893937)]
    [InlineData(0.5, 0.72580102)]
    public void TheBoundOfAGaussianIsItsClosedForm(double deviation, double expected)
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        var bound = new ContinuousBound(4000) { LeastNoise = Math.Exp(-13.3 / 2), MostNoise = Math.Exp(2.5), Prior = NoisePrior.StandardNormal };
        var terms = bound.Evaluate(new GaussianDenoiser(Cosine, 0, deviation), SignNoise.Data(deviation), noise);
        Assert.Equal(expected, terms.Total.mean().item<double>(), 1e-7);
    }

    [Fact]
    public void TheDiscreteBoundFallsToTheContinuousOne()
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        var denoiser = new GaussianDenoiser(Cosine, 0, 0.5);
        var (most, least) = (Cosine.AtNoiseToSignal(10), Cosine.AtNoiseToSignal(0.01));
        var limit = new ContinuousBound(4000) { LeastNoise = 0.01, MostNoise = 10 }.Evaluate(denoiser, SignNoise.Data(0.5), noise).Total.mean().item<double>();
        double Discrete(int steps)
        {
            var levels = Enumerable.Range(0, steps + 1).Select(i => Cosine.AtLogSnr(most.LogSnr + (least.LogSnr - most.LogSnr) * i / steps)).ToArray();
            var grid = TimeGrid.FromPoints(Cosine, [.. levels[..^1].Select(level => new NoisePoint(level))], levels[^1]);
            return new VariationalBound().Evaluate(denoiser, SignNoise.Data(0.5), grid, noise).Total.mean().item<double>();
        }

        var excess = new[] { 200, 400, 800 }.Select(steps => Discrete(steps) - limit).ToArray();
        Assert.All(excess, value => Assert.True(value > 0));
        // A step's error is its length: half for twice as many.
        Assert.InRange(excess[0] / excess[1], 1.9, 2.1);
        Assert.InRange(excess[1] / excess[2], 1.9, 2.1);
        Assert.Equal(0, 2 * excess[2] - excess[1], 5e-4); // extrapolated: what is left is of second order
    }

    // The same end points, other levels between: every schedule has the same bound.
    [Fact]
    public void OfAScheduleOnlyTheEndsCount()
    {
        using var scope = NewDisposeScope();
        using var noise = new SignNoise();
        double Bound(NoiseSchedule schedule) => new ContinuousBound(500) { LeastNoise = 0.01, MostNoise = 10, Prior = NoisePrior.OfData(0, 0.5) }
            .Evaluate(new GaussianDenoiser(schedule, 0, 0.5), SignNoise.Data(0.5), noise).Total.mean().item<double>();
        var expected = Bound(Cosine);
        foreach (var schedule in new NoiseSchedule[] { new VariancePreservingSchedule(), new RectifiedFlowSchedule(), new VarianceExplodingSchedule(0.001, 50) })
            Assert.Equal(expected, Bound(schedule), 1e-9);
    }

    [Fact]
    public void FewRandomLevelsAreRightOnAverage()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var denoiser = new GaussianDenoiser(Cosine, 0, 0.5);
        var x0 = noise.Next([2000, 1], ScalarType.Float64, CPU).mul_(0.5);
        var bound = new ContinuousBound(3) { LeastNoise = 0.01 };
        // Samples of one run share its levels, so runs are what is averaged over.
        var runs = Enumerable.Range(0, 200).Select(_ => bound.Evaluate(denoiser, x0, noise).Diffusion.sum(1).mean().item<double>()).ToArray();
        using var signs = new SignNoise();
        var truth = new ContinuousBound(4000) { LeastNoise = 0.01 }.Evaluate(denoiser, SignNoise.Data(0.5), signs).Diffusion.sum(1).mean().item<double>();
        var mean = runs.Average();
        var deviation = Math.Sqrt(runs.Sum(run => (run - mean) * (run - mean)) / 199);
        // The data is one draw of 2,000: its mean square is 1 to √(2/2000), and moves the truth with it.
        var scale = x0.square().mean().item<double>() / 0.25;
        Assert.InRange(scale, 0.87, 1.13);
        Assert.Equal(truth, mean, 4 * (deviation / Math.Sqrt(200) + 0.05 * truth / Math.Sqrt(2000)));
    }

    // Both are bounds of one model for the exact denoiser, whose flow and reverse process have the same density.
    [Fact]
    public void TheBoundOfAMixtureLiesAboveItsExactLikelihood()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(5);
        var mixture = new GaussianMixture([0.4, 0.6], new[,] { { -0.8 }, { 0.7 } }, new[,] { { 0.22 }, { 0.14 } });
        var denoiser = new GaussianMixtureDenoiser(Cosine, mixture);
        var x0 = mixture.Sample(4000, noise, ScalarType.Float64);
        var exact = new FlowLikelihood(new ErrorTolerance(1e-6, 1e-6)) { Divergence = Divergence.Exact, LeastNoise = 0.01 }.Evaluate(denoiser, x0, noise).LogDensity.neg();
        var bound = new ContinuousBound(200) { LeastNoise = 0.01 }.Evaluate(denoiser, x0, noise).Total;
        var difference = (bound - exact).mean().item<double>();
        var error = (bound - exact).std().item<double>() / Math.Sqrt(4000);
        // ½E ln(1 + σ̂²/variance within a component), as for one Gaussian: 0.0019 nats above.
        Assert.InRange(difference, 0.0019 - 4 * error - 1e-3, 0.0019 + 4 * error + 1e-3);
    }
}
