using Diffusion.Checkpoints;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class LossWeightingTests
{
    public static TheoryData<double> Times => [0.001, 0.05, 0.3, 0.5, 0.77, 0.95, 0.999];

    // For any level and any error of x̂₀, the error of each predicted quantity is a fixed multiple of it: weighting the one is weighting
    // the other. The multiples are written out from the definitions, not from Scalings.
    [Theory]
    [MemberData(nameof(Times))]
    public void WeightsAgreeInEveryUnitOnVariancePreservingLevels(double time)
    {
        var level = new CosineSchedule().At(time);
        var (a, s) = (level.Alpha, level.Sigma);
        var error = 0.37; // x̂₀ − x₀
        var snr = a * a / (s * s);
        var eps = -a / s * error; // ε̂ = (x − αx̂₀)/σ
        var v = a * eps - s * error; // v = αε − σx₀
        var score = -eps / s;
        var velocity = level.AlphaDot * error + level.SigmaDot * eps;
        Same(eps * eps, LossWeighting.Snr, error, level, Parameterization.Epsilon());
        Same(v * v, LossWeighting.SnrPlusOne, error, level, Parameterization.V());
        Same(error * error, LossWeighting.Data, error, level, Parameterization.Data());
        Same(velocity * velocity, LossWeighting.Velocity, error, level, Parameterization.Velocity());
        Same((snr + 4) * error * error, LossWeighting.Edm(0.5), error, level, Parameterization.Edm(0.5));
        Assert.Equal(score * score, error * error * LossWeighting.Simple.At(level, Parameterization.Score().At(level)), 1e-12 * score * score);
    }

    // Simple weighting of a network that predicts a quantity is the weighting named after that quantity.
    private static void Same(double expected, LossWeighting weighting, double error, NoiseLevel level, Parameterization parameterization)
    {
        var scalings = parameterization.At(level);
        Assert.Equal(expected, weighting.At(level, scalings) * error * error, 1e-12 * expected);
        Assert.Equal(expected, LossWeighting.Simple.At(level, scalings) * error * error, 1e-12 * expected);
        Assert.Equal(1, LossWeighting.Simple.OfOutput(level, scalings));
        Assert.Equal(1, weighting.OfOutput(level, scalings), 1e-12);
    }

    [Theory]
    [MemberData(nameof(Times))]
    public void RectifiedFlowVelocityWeighsOneOverTimeSquared(double time)
    {
        var level = new RectifiedFlowSchedule().At(time);
        var scalings = Parameterization.Velocity().At(level);
        var snr = level.Alpha * level.Alpha / (level.Sigma * level.Sigma);
        Assert.Equal(1 / (time * time), LossWeighting.Velocity.At(level, scalings), 1e-12 / (time * time));
        Assert.Equal(Math.Pow(1 + Math.Sqrt(snr), 2), LossWeighting.Simple.At(level, scalings), 1e-12 / (time * time));
    }

    // min(SNR, γ)/SNR on ε, min(SNR, γ)/(SNR + 1) on v, min(SNR, γ) on x₀ (Hang et al. 2023), from one weighting with no switch.
    [Theory]
    [MemberData(nameof(Times))]
    public void MinSnrIsOneWeightingForEpsilonDataAndV(double time)
    {
        var level = new CosineSchedule().At(time);
        var snr = level.Alpha * level.Alpha / (level.Sigma * level.Sigma);
        var weighting = LossWeighting.MinSnr(5);
        Close(Math.Min(snr, 5) / snr, Parameterization.Epsilon());
        Close(Math.Min(snr, 5) / (snr + 1), Parameterization.V());
        Close(Math.Min(snr, 5), Parameterization.Data());

        void Close(double expected, Parameterization parameterization) =>
            Assert.Equal(expected, weighting.OfOutput(level, parameterization.At(level)), 1e-12 * expected);
    }

    [Theory]
    [MemberData(nameof(Times))]
    public void NamedWeightingsHaveTheirFormulas(double time)
    {
        var level = new CosineSchedule().At(time);
        var snr = level.Alpha * level.Alpha / (level.Sigma * level.Sigma);
        var scalings = Parameterization.Epsilon().At(level);
        Assert.Equal(1 / Math.Pow(1 + snr, 1), LossWeighting.P2(1, 1).OfOutput(level, scalings), 1e-12);
        Assert.Equal(Math.Pow(2 + snr, -0.5), LossWeighting.P2(2, 0.5).OfOutput(level, scalings), 1e-12);
        Assert.Equal(1, LossWeighting.P2(1, 0).OfOutput(level, scalings), 1e-12);
        var soft = 1 / (1 / snr + 0.25); // k-diffusion: 1/(σ² + σ_data²) with σ_data = ½
        Assert.Equal(soft, LossWeighting.SoftMinSnr(4).At(level, scalings), 1e-12 * soft);
        Assert.Equal(3 * snr, LossWeighting.Of(l => 3 * l.Alpha * l.Alpha / l.Sigma / l.Sigma).At(level, scalings), 1e-12 * snr);
    }

    [Theory]
    [InlineData("snr0")]
    [InlineData("snr1")]
    public void SignalToNoiseRatiosAndMinSnrAreThoseOfDiffusers(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Shared.Require("golden/training"), "data.safetensors"));
        using var scope = NewDisposeScope();
        double[] Recorded(string key) => file.Read($"{name}.{key}").to(float64).data<double>().ToArray();
        var schedule = new DiscreteSchedule(name == "snr0" ? BetaSchedule.Linear() : BetaSchedule.ScaledLinear());
        var (timesteps, snr, eps, v) = (Recorded("t"), Recorded("snr"), Recorded("min_snr5_eps"), Recorded("min_snr5_v"));
        for (var i = 0; i < timesteps.Length; i++)
        {
            var level = schedule.AtTimestep((int)timesteps[i]);
            // Recorded in float32 from a float32 product of a thousand factors; 1 − ᾱ loses four digits at the clean end.
            Close(snr[i], LossWeighting.Snr.At(level, default));
            Close(eps[i], LossWeighting.MinSnr(5).OfOutput(level, Parameterization.Epsilon().At(level)));
            Close(v[i], LossWeighting.MinSnr(5).OfOutput(level, Parameterization.V().At(level)));
        }

        static void Close(double expected, double actual) => Assert.Equal(expected, actual, 4e-4 * expected);
    }

    // −½·dSNR/dt by a central difference.
    [Fact]
    public void LikelihoodIsTheSlopeOfTheSignalToNoiseRatio()
    {
        var schedule = new CosineSchedule();
        double Snr(double t) => Math.Exp(schedule.At(t).LogSnr);
        const double t = 0.4, h = 1e-5;
        var slope = (Snr(t + h) - Snr(t - h)) / (2 * h);
        Assert.Equal(-slope / 2, LossWeighting.Likelihood.At(schedule.At(t), default), 1e-8 * Math.Abs(slope));
    }

    [Fact]
    public void MinSnrOfVIsFiniteOnPureNoise()
    {
        var level = new RectifiedFlowSchedule().At(1);
        Assert.Equal(0, LossWeighting.MinSnr().OfOutput(level, Parameterization.V().At(level)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void RejectsNumbersThatAreNotPositive(double value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LossWeighting.MinSnr(value));
        Assert.Throws<ArgumentOutOfRangeException>(() => LossWeighting.SoftMinSnr(value));
        Assert.Throws<ArgumentOutOfRangeException>(() => LossWeighting.Edm(value));
        Assert.Throws<ArgumentOutOfRangeException>(() => LossWeighting.P2(value));
        Assert.Throws<ArgumentNullException>(() => LossWeighting.Of(null!));
    }
}
