using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Pipelines;

/// <summary>Noise-conditioning augmentation on a pair of unit Gaussians of correlation ρ, where the perfect conditional model is known.</summary>
public class SuperResolutionTests
{
    private const double Correlation = 0.8;
    private static readonly CosineSchedule Augmenting = new();
    private static readonly VariancePreservingSchedule Schedule = new();
    private static readonly NoiseAugmentation Augmentation = new(Augmenting, NoiseLabel.Time());

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    public void TheDrawnImageHasTheCorrelationThatTheAugmentationLeaves(double time)
    {
        // x of variance 1, corr(x, z) = ρᾱ, and the variance 1 − ρ²ᾱ given z_t. (Reference row 75.)
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        using var model = new PairModel(oneLevel: true);
        const int count = 50_000;
        var z = noise.Next([count, 1, 1, 1], ScalarType.Float64, CPU);
        var upscaler = new SuperResolution(model, Schedule, Parameterization.Data(), Augmentation) { DataRange = null };
        var x = upscaler.Sample(z, 1, 1, new HeunSampler(), TimeGrid.LogSnr(Schedule, 50), noise, time);
        var alphaBar = Math.Pow(Augmenting.At(time).Alpha, 2);
        // Four standard errors: of a variance 4·√(2/n), of a covariance 4·√((1 + ρ²)/n); and 50 steps of Heun's method.
        Assert.Equal(1, x.var().item<double>(), 0.0253 + 2e-3);
        Assert.Equal(Correlation * alphaBar, (x * z).mean().item<double>(), 0.0229 + 2e-3);
    }

    [Fact]
    public void TrainingShowsTheNetworkTheNoisedImageAndItsLevel()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        using var model = new PairModel(oneLevel: false);
        const int count = 200_000;
        var x = noise.Next([count, 1, 1, 1], ScalarType.Float64, CPU);
        using var other = NoiseSource.FromSeed(6);
        var inner = new DenoisingObjective(Schedule, Parameterization.Data()) { Weighting = LossWeighting.Simple };
        // z = ρx + √(1 − ρ²)n.
        var objective = new SuperResolutionObjective(inner, data => data * Correlation + other.NextLike(data) * Math.Sqrt(1 - Correlation * Correlation), Augmentation) { AugmentationTimes = TimeDistribution.Uniform(0.2, 0.9) };
        var terms = objective.Terms(model, x, null, noise);
        // The perfect model reaches the conditional variance: 1/(1/v + SNR) with v = 1 − ρ²ᾱ of the given image, sample by sample.
        var seen = model.LastLevels!;
        var expected = 0.0;
        for (var i = 0; i < count; i++)
        {
            var v = 1 - Correlation * Correlation * Math.Pow(Augmenting.At(seen[i]).Alpha, 2);
            expected += inner.Weighting.OfOutput(terms.Levels![i], Parameterization.Data().At(terms.Levels[i])) / (1 / v + Math.Exp(terms.Levels[i].LogSnr));
        }

        expected /= count;
        // The mean of squares of deviation √2 times itself: four standard errors.
        Assert.Equal(1, terms.Loss.item<double>() / expected, 4 * Math.Sqrt(3.0 / count));
        Assert.InRange(seen.Min(), 0.2, 0.21);
        Assert.InRange(seen.Max(), 0.89, 0.9);
    }

    [Fact]
    public void WhatIsGivenTwiceIsRefused()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var image = zeros(2, 1, 4, 4);
        Assert.Throws<ArgumentException>(() => Augmentation.Apply(image, [0.1], noise));
        Assert.Throws<ArgumentException>(() => Augmentation.Apply(image, [0.1, 0.2], noise, new Conditioning { Image = image }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Augmentation.Apply(image, [0.1, 1.2], noise));
        var asClass = new NoiseAugmentation(Augmenting) { LevelAsClass = true }.Apply(image, [0.1, 0.2], noise);
        Assert.Null(asClass.AugmentationLevel);
        Assert.Equal(200, asClass.ClassLabels![1].item<float>(), 1e-4);
        var kept = Augmentation.Apply(image, [0, 0], noise, new Conditioning { ClassLabels = zeros(2, int64), NullClass = 3 });
        Assert.Equal((2, 3), (kept.ClassLabels!.shape[0], kept.NullClass));
        Assert.True(kept.Image!.eq(image).all().item<bool>()); // clean at 0
    }

    // E[x₀ | x_t, z_t] of the pair, told both levels.
    private sealed class PairModel(bool oneLevel) : DenoisingNetwork("Pair")
    {
        public double[]? LastLevels { get; private set; }

        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
        {
            using var scope = NewDisposeScope();
            var (given, told) = (condition!.Image!, condition.AugmentationLevel!);
            if (oneLevel) (told, label) = (told.narrow(0, 0, 1), label.narrow(0, 0, 1)); // the same for the whole batch
            LastLevels = told.data<double>().ToArray();
            Tensor Of(Func<double, double> f, Tensor times) => tensor(Array.ConvertAll(times.data<double>().ToArray(), t => f(t))).view(-1, 1, 1, 1);
            var alpha = Of(t => Augmenting.At(t).Alpha, told);
            var time = label / 1000;
            var (a, s) = (Of(t => Schedule.At(t).Alpha, time), Of(t => Schedule.At(t).Sigma, time));
            var (mean, variance) = (given * alpha * Correlation, 1 - (alpha * Correlation).square());
            return (mean + a * variance / (a.square() * variance + s.square()) * (x - a * mean)).MoveToOuterDisposeScope();
        }
    }
}
