using Diffusion.Evaluation;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class NoisePriorTests
{
    // T = 1000, linear β, data N(0, s²): bits a number.
    [Theory]
    [InlineData(0.5, 7.2787e-6)]
    [InlineData(1, 2.9113e-5)]
    public void TheDivergenceOfTheLinearScheduleIsThePublishedOne(double deviation, double bits)
    {
        using var scope = NewDisposeScope();
        var level = new DiscreteSchedule(BetaSchedule.Linear()).AtTimestep(999);
        // E x₀² = s² by two points.
        var x0 = tensor(new[] { deviation, -deviation }).view(1, 2);
        Assert.Equal(bits, NoisePrior.StandardNormal.Divergence(x0, level).item<double>() / 2 / Math.Log(2), 1e-9);
    }

    [Fact]
    public void TheDivergenceIsTheMeanDifferenceOfTheDensities()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var (level, prior) = (NoiseLevel.Of(0.4, 0.8), NoisePrior.OfData(0.5, 1.5));
        Assert.Equal(0.2, prior.At(level).Mean, 1e-15);
        Assert.Equal(1, prior.At(level).Variance, 1e-15); // 0.16·2.25 + 0.64
        var x0 = full([400_000, 1], 0.9, float64);
        var x = x0 * level.Alpha + noise.NextLike(x0) * level.Sigma;
        var own = (x - x0 * level.Alpha).square().sum(1) * (-0.5 / 0.64) - 0.5 * Math.Log(2 * Math.PI * 0.64);
        var difference = own - prior.LogDensity(x, level);
        var error = difference.std().item<double>() / Math.Sqrt(400_000);
        Assert.Equal(prior.Divergence(x0[..1], level).item<double>(), difference.mean().item<double>(), 4 * error);
    }

    [Fact]
    public void ThePriorThatIsDrawnIsThatOfTheSchedule() =>
        Assert.Equal((0, 2500.0), NoisePrior.Drawn.At(new VarianceExplodingSchedule().At(1)));
}
