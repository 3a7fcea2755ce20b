using Diffusion.Denoisers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The exact denoisers that every law stands on, against closed forms, quadrature and recorded numbers.</summary>
public class OracleTests
{
    // σ̂, E(x₀ − x̂₀)², that over σ̂², the score and the estimate at x̂ = 0.1, of the one-dimensional mixture.
    [Theory]
    [InlineData(.05, .0022860379, .9144151461, 10.5711760608, .1264279402)]
    [InlineData(.1, .0073484348, .7348434828, 13.6257420394, .2362574204)]
    [InlineData(.2, .0183346170, .4583654247, 7.8339479728, .4133579189)]
    [InlineData(.5, .1269691455, .5078765818, .9581886940, .3395471735)]
    [InlineData(1, .3512087146, .3512087146, .0856897792, .1856897792)]
    [InlineData(2, .4993001422, .1248250356, .0058859278, .1235437113)]
    [InlineData(10, .5687448782, .0056874488, .0000097077, .1009707712)]
    public void TheMixturesErrorScoreAndEstimateAreTheRecordedOnes(double sigma, double error, double floor, double score, double estimate)
    {
        using var scope = NewDisposeScope();
        foreach (var name in LawSchedules.Names)
        {
            var denoiser = new GaussianMixtureDenoiser(LawSchedules.Of(name), ExactFlow.Mixture);
            var level = denoiser.Schedule.AtNoiseToSignal(sigma);
            var x = full(1, 1, 0.1 * level.Alpha, dtype: float64);
            var answer = denoiser.Denoise(x, level);
            Assert.Equal(estimate, answer.Data.item<double>(), 1e-9);
            // The score of x is that of x̂ over α.
            Assert.Equal(score, answer.ScoreAt(x, level).item<double>() * level.Alpha, 1e-8 * Math.Max(1, score));
            var mean = MeanSquareError(denoiser, level);
            Assert.Equal(error, mean, 1e-9);
            Assert.Equal(floor, mean / (sigma * sigma), 1e-9);
        }
    }

    [Fact]
    public void TheScoreIsTheSlopeOfTheLogDensity()
    {
        using var scope = NewDisposeScope();
        var denoiser = new GaussianMixtureDenoiser(LawSchedules.Of("vp"), ExactFlow.Mixture);
        foreach (var sigma in new[] { 0.05, 0.5, 5 })
        {
            var level = denoiser.Schedule.AtNoiseToSignal(sigma);
            var x = linspace(-2, 2, 41, dtype: float64).view(-1, 1).requires_grad_();
            var slope = autograd.grad([ExactFlow.Mixture.LogDensity(x, level).sum()], [x])[0];
            var score = denoiser.Denoise(x.detach(), level).ScoreAt(x.detach(), level);
            Assert.True((slope - score).abs().max().item<double>() < 1e-10);
        }
    }

    [Fact]
    public void TheMixtureHasItsMomentsAndEntropy()
    {
        using var scope = NewDisposeScope();
        var clean = LawSchedules.Of("flow").Clean;
        var (x, dx) = Line(-3, 3, 60_001);
        var log = ExactFlow.Mixture.LogDensity(x, clean);
        var weight = log.exp() * dx;
        double Mean(Tensor of) => (weight * of).sum().item<double>();
        var flat = x.flatten();
        Assert.Equal(1, Mean(ones_like(flat)), 1e-10);
        Assert.Equal(0.1, Mean(flat), 1e-10);
        Assert.Equal(0.572, Mean((flat - 0.1).square()), 1e-10);
        Assert.Equal(-0.1944, Mean((flat - 0.1).pow(3)), 1e-10);
        Assert.Equal(0.3191399863, -Mean(log), 1e-9);
    }

    [Fact]
    public void InformationIsTheIntegralOfTheError()
    {
        // h(X) = ½ln(2πe·var) − ½∫[var/(1 + snr·var) − mmse(snr)] d snr, here over ln snr in [−9, 11], whose tails leave 3e-4.
        var denoiser = new GaussianMixtureDenoiser(LawSchedules.Of("flow"), ExactFlow.Mixture);
        const int n = 200;
        var sum = 0.0;
        for (var i = 0; i <= n; i++)
        {
            var snr = Math.Exp(-9 + 20.0 * i / n);
            var gap = 0.572 / (1 + snr * 0.572) - MeanSquareError(denoiser, denoiser.Schedule.AtLogSnr(Math.Log(snr)));
            sum += gap * snr * (i is 0 or n ? 0.5 : 1) * 20.0 / n;
        }

        Assert.Equal(0.31944, 0.5 * Math.Log(2 * Math.PI * Math.E * 0.572) - sum / 2, 2e-5);
    }

    [Theory]
    [InlineData(0.3, 0.5)]
    [InlineData(-1, 2)]
    public void TheStraightFlowOfAGaussianHasItsClosedForm(double mean, double deviation)
    {
        // With s = 1 − t from noise to data: u = m + (s·d² − (1 − s))/(s²d² + (1 − s)²)·(x − s·m), against our direction of time.
        using var scope = NewDisposeScope();
        var denoiser = new GaussianDenoiser(LawSchedules.Of("flow"), mean, deviation);
        var x = linspace(-3, 3, 13, dtype: float64);
        for (var t = 0.05; t <= 1; t += 0.05)
        {
            var (level, s) = (denoiser.Schedule.At(t), 1 - t);
            var slope = (s * deviation * deviation - t) / (s * s * deviation * deviation + t * t);
            var expected = -(mean + slope * (x - s * mean));
            Assert.True((denoiser.Denoise(x, level).VelocityAt(x, level) - expected).abs().max().item<double>() < 1e-11);
        }
    }

    [Fact]
    public void AGaussiansErrorIsTheHarmonicMeanOfSpreadAndNoise()
    {
        // E(x₀ − x̂₀)² = s²σ̂²/(s² + σ̂²).
        foreach (var name in LawSchedules.Names)
        {
            var denoiser = new GaussianMixtureDenoiser(LawSchedules.Of(name), new GaussianMixture([1], new[,] { { 0.3 } }, new[,] { { 0.5 } }));
            foreach (var sigma in new[] { 0.1, 1, 10 })
                Assert.Equal(0.25 * sigma * sigma / (0.25 + sigma * sigma), MeanSquareError(denoiser, denoiser.Schedule.AtNoiseToSignal(sigma)), 1e-9);
        }
    }

    // E(x₀ − x̂₀)² = Var(x₀) − Var(x̂₀), the second by quadrature over the density of the state.
    private static double MeanSquareError(GaussianMixtureDenoiser denoiser, NoiseLevel level)
    {
        using var scope = NewDisposeScope();
        var reach = 10 * level.Sigma + 4 * level.Alpha;
        var (x, dx) = Line(-reach, reach, 20_001);
        var weight = denoiser.Mixture.LogDensity(x, level).exp() * dx;
        var estimate = denoiser.Denoise(x, level).Data.flatten();
        var mean = (weight * estimate).sum().item<double>();
        var variance = denoiser.Mixture.Components == 1 ? 0.25 : 0.572;
        return variance - ((weight * estimate.square()).sum().item<double>() - mean * mean);
    }

    private static (Tensor X, double Dx) Line(double from, double to, int points) => (linspace(from, to, points, dtype: float64).view(-1, 1), (to - from) / (points - 1));
}
