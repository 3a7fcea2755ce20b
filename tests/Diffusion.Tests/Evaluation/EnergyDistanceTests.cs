using Diffusion.Data;
using Diffusion.Evaluation;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class EnergyDistanceTests
{
    [Fact]
    public void TwoPointsAreTwiceTheirDistanceApart()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (zeros(3, 2), zeros(2, 2));
        b[TensorIndex.Colon, 0] = 3;
        b[TensorIndex.Colon, 1] = 4;
        Assert.Equal(10, EnergyDistance.Between(a, b), 1e-12);
    }

    // E‖x − y‖ of N(0, 1) and N(m, 1) is that of a normal number of deviation √2 around m.
    [Fact]
    public void NormalNumbersHaveTheirClosedForm()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var (a, b) = (noise.Next([3000, 1], ScalarType.Float64, CPU), noise.Next([3000, 1], ScalarType.Float64, CPU).add_(1));
        static double MeanAbsolute(double mean, double s) => s * Math.Sqrt(2 / Math.PI) * Math.Exp(-mean * mean / (2 * s * s)) + mean * (1 - 2 * NormalDistribution.Cumulative(-mean / s));
        var exact = 2 * MeanAbsolute(1, Math.Sqrt(2)) - 2 * MeanAbsolute(0, Math.Sqrt(2));
        Assert.Equal(exact, EnergyDistance.Between(a, b), 0.06); // 0.55; the difference of the means has a standard error of 0.026
    }

    [Fact]
    public void TheSameShapesAreNearAndOthersFar()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var moons = PlanarPoints.TwoMoons(1500, noise);
        Assert.InRange(EnergyDistance.Between(moons, PlanarPoints.TwoMoons(1500, noise)), -0.01, 0.01);
        Assert.InRange(EnergyDistance.Between(moons, PlanarPoints.EightGaussians(1500, noise)), 0.1, 0.5);
        Assert.Equal(0, moons.mean().item<float>(), 0.08);
        Assert.Equal(EnergyDistance.Between(moons.view(-1, 2, 1), moons.view(-1, 2, 1)), EnergyDistance.Between(moons, moons), 1e-12);
    }

    [Fact]
    public void RefusesWhatDoesNotFit()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => EnergyDistance.Between(zeros(3, 2), zeros(3, 3)));
        Assert.Throws<ArgumentException>(() => EnergyDistance.Between(zeros(1, 2), zeros(3, 2)));
        Assert.Throws<ArgumentException>(() => EnergyDistance.Between(zeros(3, 2, int64), zeros(3, 2)));
    }
}
