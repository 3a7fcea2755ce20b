using Diffusion.Evaluation;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class FrechetDistanceTests
{
    [Fact]
    public void OneAxisGivesTheDifferencesOfMeanAndDeviation()
    {
        using var scope = NewDisposeScope();
        var a = tensor(new[] { 1.0, 3.0 }).view(2, 1); // mean 2, deviation √2
        var b = tensor(new[] { 0.0, 10.0 }).view(2, 1); // mean 5, deviation 5√2
        Assert.Equal(9 + 32, FrechetDistance.Between(a, b), 1e-10);
    }

    [Fact]
    public void ASetIsAtNoDistanceFromItself()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        var features = noise.Next([50, 8], ScalarType.Float32, CPU);
        Assert.Equal(0, FrechetDistance.Between(features, features), 1e-9);
    }

    [Fact]
    public void ATurnOfBothSetsChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(5);
        var a = noise.Next([60, 3], ScalarType.Float64, CPU) * tensor(new[] { 1.0, 2.0, 0.5 });
        var b = noise.Next([60, 3], ScalarType.Float64, CPU) + 1;
        var (turn, _) = linalg.qr(noise.Next([3, 3], ScalarType.Float64, CPU));
        Assert.Equal(FrechetDistance.Between(a, b), FrechetDistance.Between(a.mm(turn), b.mm(turn)), 1e-9);
    }

    [Fact]
    public void RefusesFeaturesThatDoNotFit()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("[2, 3, 4]", Assert.Throws<ArgumentException>(() => FrechetDistance.Between(zeros(2, 3, 4), zeros(2, 3))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between(zeros(2, 3), zeros(2, 4)));
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between(zeros(1, 3), zeros(2, 3)));
    }
}
