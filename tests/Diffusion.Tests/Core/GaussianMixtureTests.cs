using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

public class GaussianMixtureTests
{
    // Weights of any sum, deviations of every component and axis.
    private static readonly double[] _weights = [1, 2, 5];
    private static readonly double[,] _means = { { -3, 0.5 }, { 1, 4 }, { 6, -2 } };
    private static readonly double[,] _deviations = { { 0.4, 0.2 }, { 0.1, 0.5 }, { 0.3, 0.3 } };

    private static GaussianMixture Mixture => new(_weights, _means, _deviations);

    [Fact]
    public void ComponentsAreDrawnByTheirWeights()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(7);
        const int Count = 40_000;
        var drawn = Mixture.Sample(Count, noise, ScalarType.Float64);
        for (var k = 0; k < 3; k++)
        {
            var mean = tensor(new[] { _means[k, 0], _means[k, 1] });
            var members = drawn[(drawn - mean).abs().amax([1L]).lt(2.4)]; // twelve deviations; components are farther apart than twice that
            var share = _weights[k] / 8;
            Assert.Equal(share, members.shape[0] / (double)Count, 4 * Math.Sqrt(share * (1 - share) / Count));
            for (var axis = 0; axis < 2; axis++)
            {
                var (deviation, error) = (_deviations[k, axis], 4 / Math.Sqrt(members.shape[0]));
                Assert.Equal(_means[k, axis], members.select(1, axis).mean().item<double>(), error * deviation);
                Assert.Equal(deviation, members.select(1, axis).std().item<double>(), error * deviation);
            }
        }
    }

    [Fact]
    public void SingleSamplesAreOfEveryComponent()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(7);
        var last = Enumerable.Range(0, 400).Count(_ => Mixture.Sample(1, noise).select(1, 0).item<float>() > 3.5);
        Assert.InRange(last, 250 - 39, 250 + 39); // 5/8 of them, four standard deviations
    }

    // ln Σ wₖ/Σw·Π N(x; α·m, α²s² + σ²).
    [Fact]
    public void TheDensityIsThatOfTheNormalisedWeights()
    {
        using var scope = NewDisposeScope();
        foreach (var level in new[] { NoiseLevel.Of(1, 0), new VariancePreservingSchedule().At(0.3) })
            foreach (var (a, b) in new[] { (-2.0, 0.7), (3.0, 1.0), (5.5, -2.2) })
            {
                var density = 0.0;
                for (var k = 0; k < 3; k++)
                {
                    var term = _weights[k] / 8;
                    for (var axis = 0; axis < 2; axis++)
                    {
                        var variance = Math.Pow(level.Alpha * _deviations[k, axis], 2) + level.Sigma * level.Sigma;
                        term *= Math.Exp(-Math.Pow((axis == 0 ? a : b) - level.Alpha * _means[k, axis], 2) / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);
                    }

                    density += term;
                }

                Assert.Equal(Math.Log(density), Mixture.LogDensity(tensor(new[,] { { a, b } }), level).item<double>(), 1e-9);
            }
    }

    // The mean square error of the posterior mean itself, drawn; for one Gaussian its closed form Σ s²σ²/(α²s² + σ²) a number.
    [Fact]
    public void TheLeastErrorIsThatOfThePosteriorMean()
    {
        using var scope = NewDisposeScope();
        var level = new VariancePreservingSchedule().At(0.3);
        using var noise = NoiseSource.FromSeed(7);
        var data = Mixture.Sample(40_000, noise, ScalarType.Float64);
        var errors = (Mixture.PosteriorMean(data * level.Alpha + noise.NextLike(data) * level.Sigma, level) - data).square().mean([1L]);
        var (drawn, spread) = (errors.mean().item<double>(), errors.std().item<double>());
        Assert.Equal(drawn, Mixture.LeastError(level, noise, 40_000), 6 * spread / 200);
        var single = new GaussianMixture([3], new[,] { { 0.3, -1 } }, new[,] { { 0.5, 2 } });
        double Of(double s) => s * s * level.Sigma * level.Sigma / (level.Alpha * level.Alpha * s * s + level.Sigma * level.Sigma);
        Assert.Equal((Of(0.5) + Of(2)) / 2, single.LeastError(level, noise, 10), 1e-12);
        Assert.Equal(0, Mixture.LeastError(NoiseLevel.Of(1, 0), noise));
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefusedInWords()
    {
        foreach (var (weights, means, deviations) in new (double[], double[,], double[,])[]
        {
            ([], new double[0, 2], new double[0, 2]),
            ([1], new double[2, 2], new[,] { { 1.0, 1 } }),
            ([1, 1], new double[2, 2], new[,] { { 1.0, 1 } }),
            ([1, 1], new double[2, 0], new double[2, 0]),
            ([1, 1], new double[2, 3], new[,] { { 1.0, 1 }, { 1, 1 } }),
        })
            Assert.Contains($"{weights.Length} weights, means [{means.GetLength(0)}, {means.GetLength(1)}]", Assert.Throws<ArgumentException>(() => new GaussianMixture(weights, means, deviations)).Message, StringComparison.Ordinal);
        foreach (var bad in new[] { double.NaN, double.PositiveInfinity })
            Assert.Contains($"{bad}", Assert.Throws<ArgumentException>(() => new GaussianMixture([1], new[,] { { bad } }, new[,] { { 1.0 } })).Message, StringComparison.Ordinal);
        Assert.Equal(1, new GaussianMixture([1], new double[1, 3], new[,] { { 1.0 } }).Components); // one deviation for all axes
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => Mixture.Sample(-1, noise));
        Assert.Equal([0, 2], Mixture.Sample(0, noise).shape);
        Assert.Throws<ArgumentOutOfRangeException>(() => Mixture.Sample(1, noise, ScalarType.Int64));
        Assert.Contains("2 numbers a sample", Assert.Throws<ArgumentException>(() => Mixture.LogDensity(ones(2, 3), NoiseLevel.Of(1, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("[]", Assert.Throws<ArgumentException>(() => Mixture.LogDensity(tensor(1.0), NoiseLevel.Of(1, 1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Mixture.LeastError(NoiseLevel.Of(1, 1), noise, 0));
    }
}
