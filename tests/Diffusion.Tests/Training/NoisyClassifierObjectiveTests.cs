using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class NoisyClassifierObjectiveTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    [Fact]
    public void TheExactPosteriorHasTheConditionalEntropyAndNothingHasLess()
    {
        // Two classes at ±1 with deviation ½: the logit of class 1 given x_t is 2α·x/(α²/4 + σ²). Its cross-entropy is the least; any other scale of the logit has more.
        using var scope = NewDisposeScope();
        const int count = 40_000;
        using var drawn = NoiseSource.FromSeed(1);
        var labels = tensor(Enumerable.Range(0, count).Select(i => (long)(i % 2)).ToArray());
        var x0 = labels.to(float64).mul(2).sub(1).view(-1, 1) + drawn.Next([count, 1], ScalarType.Float64, CPU) * 0.5;
        double Loss(double scale)
        {
            using var network = new Oracle(scale);
            using var noise = NoiseSource.FromSeed(2);
            return new NoisyClassifierObjective(Schedule, Parameterization.V(NoiseLabel.Time())).Loss(network, x0, new Conditioning { ClassLabels = labels }, noise).item<double>();
        }

        var exact = Loss(1);
        Assert.True(exact < Loss(0.8) && exact < Loss(1.25));
        Assert.True(exact < Math.Log(2));
    }

    [Fact]
    public void ATrainedClassifierGuidesToItsClass()
    {
        // Images whose class is the brighter half. Trained for a few seconds; guided by it, samples of an unconditional model of both classes become the class asked for.
        using var scope = NewDisposeScope();
        manual_seed(0);
        using var network = new NoisyImageClassifier(1, 8, 2, width: 16, levels: 1);
        using var noise = NoiseSource.FromSeed(3);
        var parameterization = Parameterization.V();
        var objective = new NoisyClassifierObjective(Schedule, parameterization);
        using var optimizer = optim.Adam(network.parameters(), 3e-3);
        for (var step = 0; step < 150; step++)
        {
            using var inner = NewDisposeScope();
            var (images, labels) = Halves(64, noise);
            var loss = objective.Loss(network, images, new Conditioning { ClassLabels = labels }, noise);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        network.eval();
        var classifier = new NoisyClassifier(network, parameterization);
        var (unseen, truth) = Halves(200, noise);
        Assert.True((classifier.Logits(unseen, Schedule.At(0.01)).argmax(1) == truth).to(float32).mean().item<float>() > 0.97);
        // The exact unconditional model: a mixture of the two halves' means.
        var means = new double[2, 64];
        for (var i = 0; i < 64; i++) (means[0, i], means[1, i]) = (i % 8 < 4 ? 0.5 : -0.5, i % 8 < 4 ? -0.5 : 0.5);
        var model = new GaussianMixtureDenoiser(Schedule, GaussianMixture.Uniform(means, 0.5));
        var asked = ones(64, int64);
        var grid = TimeGrid.Uniform(Schedule, 20, from: 0.95);
        var start = noise.Next([64, 1, 8, 8], ScalarType.Float32, CPU);
        double Share(IDenoiser denoiser) =>
            (new DdimSampler().Sample(denoiser, start, grid, noise).flatten(1).inner(tensor(Enumerable.Range(0, 64).Select(i => (float)means[1, i]).ToArray())) > 0).to(float32).mean().item<float>();
        Assert.InRange(Share(model), 0.25, 0.75);
        Assert.True(Share(new ClassifierGuidance(model, classifier.ForLabels(asked), 2)) > 0.95);
    }

    [Fact]
    public void WhatIsMissingIsNamed()
    {
        using var scope = NewDisposeScope();
        using var network = new NoisyImageClassifier(1, 8, 2, width: 16, levels: 1);
        using var noise = NoiseSource.FromSeed(3);
        var objective = new NoisyClassifierObjective(Schedule, Parameterization.V());
        Assert.Contains("ClassLabels", Assert.Throws<ArgumentException>(() => objective.Loss(network, zeros(2, 1, 8, 8), null, noise)).Message, StringComparison.Ordinal);
        var classifier = new NoisyClassifier(network, Parameterization.V());
        Assert.Throws<ArgumentException>(() => classifier.LogProbability(zeros(2, 1, 8, 8), Schedule.At(0.5), zeros(3, int64)));
        Assert.Contains("[2, 3, 8, 8]", Assert.Throws<ArgumentException>(() => classifier.Logits(zeros(2, 3, 8, 8), Schedule.At(0.5))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => network.call(zeros(2, 1, 8, 8), zeros(2), Conditioning.ForClasses([0, 1])));
        // A classifier is no denoiser.
        Assert.Throws<InvalidOperationException>(() => new NetworkDenoiser(network, Schedule, Parameterization.V()).Denoise(zeros(2, 1, 8, 8), Schedule.At(0.5)));
    }

    [Fact]
    public void AFreshClassifierIsUndecidedAndDifferentiable()
    {
        using var scope = NewDisposeScope();
        using var network = new NoisyImageClassifier(3, 16, 5, width: 16, levels: 2);
        using var noise = NoiseSource.FromSeed(3);
        network.eval();
        var logits = network.call(noise.Next([2, 3, 16, 16], ScalarType.Float32, CPU), full(2, 300f), null);
        Assert.Equal([2, 5], logits.shape);
        Assert.True(logits.isfinite().all().item<bool>() && logits.abs().max().item<float>() < 3);
        foreach (var parameter in network.parameters()) Assert.True(parameter.isfinite().all().item<bool>());
        var leaf = noise.Next([2, 3, 16, 16], ScalarType.Float32, CPU).requires_grad_();
        var gradient = Differentiation.Gradient(network.call(leaf, full(2, 300f), null).log_softmax(1).select(1, 0), leaf);
        Assert.True(gradient.abs().sum().item<float>() > 0);
        // The label counts.
        Assert.False(network.call(leaf, full(2, 300f), null).allclose(network.call(leaf, full(2, 700f), null), 1e-4, 1e-4));
    }

    private static (Tensor Images, Tensor Labels) Halves(int count, NoiseSource noise)
    {
        var labels = tensor(Enumerable.Range(0, count).Select(i => (long)(i % 2)).ToArray());
        var left = arange(8, int64).lt(4).to(float32).mul(2).sub(1).view(1, 1, 1, 8);
        var sign = labels.to(float32).mul(-2).add(1).view(-1, 1, 1, 1);
        return (left * sign * 0.5 + noise.Next([count, 1, 8, 8], ScalarType.Float32, CPU) * 0.5, labels);
    }

    // Logits of the exact posterior, scaled.
    private sealed class Oracle(double scale) : DenoisingNetwork("Oracle")
    {
        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
        {
            using var scope = NewDisposeScope();
            var levels = Array.ConvertAll(label.data<double>().ToArray(), Schedule.At);
            var slope = tensor(Array.ConvertAll(levels, level => 2 * level.Alpha / (level.Alpha * level.Alpha / 4 + level.Sigma * level.Sigma)));
            var logit = x.squeeze(1) * slope * scale;
            return stack([zeros_like(logit), logit], 1).MoveToOuterDisposeScope();
        }
    }
}
