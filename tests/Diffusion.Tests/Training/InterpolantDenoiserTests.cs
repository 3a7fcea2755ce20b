using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>How the denoiser of an interpolant reads its network, on a path whose slopes are not those of a line.</summary>
public class InterpolantDenoiserTests
{
    private static readonly TrigonometricSchedule Path = new();
    private static readonly LatentNoise Latent = LatentNoise.Of(t => 0.5 * t * (1 - t), t => 0.5 - t);

    // v = dα·x₀ + dβ·x₁ and x = α·x₀ + β·x₁ are two equations for x₀.
    [Theory]
    [InlineData(0.2)]
    [InlineData(0.7)]
    public void DataIsWhatVelocityAndStateAgreeOn(double time)
    {
        using var scope = NewDisposeScope();
        using var network = new Halves();
        var x = randn(4, 3, dtype: float64);
        var level = Path.At(time);
        var (velocity, drift, noise) = (x.sin(), x.sin(), x.cos());
        var alone = new InterpolantDenoiser(network, Path, LatentNoise.None);
        network.Twice = false;
        Near((x * level.SigmaDot - velocity * level.Sigma) / (level.SigmaDot * level.Alpha - level.Sigma * level.AlphaDot), alone.Denoise(x, level).Data);
        Near(velocity, alone.Velocity(x, time));
        Near(-velocity, alone.Reverse(x, time, 0));
        network.Twice = true;
        var both = new InterpolantDenoiser(network, Path, Latent, InterpolantTarget.DriftAndNoise);
        var (gamma, gammaDot) = Latent.At(time);
        velocity = drift + noise * gammaDot;
        Near((x * level.SigmaDot - velocity * level.Sigma) / (level.SigmaDot * level.Alpha - level.Sigma * level.AlphaDot), both.Denoise(x, level).Data);
        Near(velocity, both.Velocity(x, time));
        Near(noise / -gamma, both.Score(x, time));
        Near(noise * (-0.8 / (2 * gamma)) - velocity, both.Reverse(x, time, 0.8));
    }

    [Fact]
    public void TheNetworkIsAskedInEvaluationAndLeftAsItWas()
    {
        using var scope = NewDisposeScope();
        using var network = new Halves { Twice = false };
        var denoiser = new InterpolantDenoiser(network, Path, LatentNoise.None);
        foreach (var training in new[] { true, false })
        {
            network.train(training);
            denoiser.Velocity(ones(2, 3, ScalarType.Float64), 0.5);
            Assert.False(network.WasTraining);
            Assert.Equal(training, network.training);
        }

        network.train();
        Assert.Throws<InvalidOperationException>(() => new InterpolantDenoiser(network, Path, Latent, InterpolantTarget.DriftAndNoise).Velocity(ones(2, 3, ScalarType.Float64), 0.5));
        Assert.True(network.training); // also after an error
    }

    [Fact]
    public void TheLabelIsThatOfTheLevelOrOfThePoint()
    {
        using var scope = NewDisposeScope();
        using var network = new Halves { Twice = false };
        var (x, level) = (ones(2, 3, ScalarType.Float64), Path.At(0.4));
        new InterpolantDenoiser(network, Path, LatentNoise.None).Denoise(x, level);
        Assert.Equal(NoiseLabel.Default.At(level), network.Label, 1e-12);
        new InterpolantDenoiser(network, Path, LatentNoise.None, label: NoiseLabel.Time(7)).Denoise(x, level);
        Assert.Equal(2.8, network.Label, 1e-12);
        new InterpolantDenoiser(network, Path, LatentNoise.None).Denoise(x, new NoisePoint(level, 33));
        Assert.Equal(33, network.Label, 1e-12);
    }

    [Fact]
    public void WhatCannotBeAskedIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var network = new Halves { Twice = true };
        var both = new InterpolantDenoiser(network, Path, Latent, InterpolantTarget.DriftAndNoise, Conditioning.ForClasses([0, 1]));
        var x = ones(2, 3, ScalarType.Float64);
        Assert.Contains("needs [2, 6]", Assert.Throws<InvalidOperationException>(() => new InterpolantDenoiser(new Halves { Twice = false }, Path, Latent, InterpolantTarget.DriftAndNoise).Velocity(x, 0.5)).Message, StringComparison.Ordinal);
        Assert.Contains("[]", Assert.Throws<ArgumentException>(() => both.Velocity(tensor(1.0), 0.5)).Message, StringComparison.Ordinal);
        Assert.Contains("[batch, channels, …]", Assert.Throws<ArgumentException>(() => both.Velocity(ones(2, float64), 0.5)).Message, StringComparison.Ordinal); // no channels to halve
        network.Twice = false;
        Assert.Contains("[]", Assert.Throws<ArgumentException>(() => new InterpolantDenoiser(network, Path, Latent).Velocity(tensor(1.0), 0.5)).Message, StringComparison.Ordinal);
        Assert.Equal([2], new InterpolantDenoiser(network, Path, Latent).Velocity(ones(2, float64), 0.5).shape);
        network.Twice = true;
        Assert.Equal("x", Assert.Throws<ArgumentNullException>(() => both.Denoise(null!, Path.At(0.5))).ParamName);
        Assert.Contains("Int64", Assert.Throws<ArgumentException>(() => both.Velocity(ones(2, 3, ScalarType.Int64), 0.5)).Message, StringComparison.Ordinal);
        Assert.Contains("3 samples, the condition 2", Assert.Throws<ArgumentException>(() => both.Velocity(ones(3, 3, ScalarType.Float64), 0.5)).Message, StringComparison.Ordinal);
        foreach (var bad in new[] { -0.1, double.NaN, double.PositiveInfinity })
            Assert.Contains($"{bad}", Assert.Throws<ArgumentOutOfRangeException>(() => both.Reverse(x, 0.5, bad)).Message, StringComparison.Ordinal);
        Assert.Contains("γ = 0", Assert.Throws<InvalidOperationException>(() => both.Score(x, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("let h be 0", Assert.Throws<InvalidOperationException>(() => both.Reverse(x, 0, 1)).Message, StringComparison.Ordinal);
        Near(-both.Velocity(x, 0), both.Reverse(x, 0, 0));
        var bridge = new InterpolantDenoiser(network, Path, LatentNoise.BrownianBridge(1), InterpolantTarget.DriftAndNoise);
        Assert.Contains("dγ/dt is infinite", Assert.Throws<InvalidOperationException>(() => bridge.Velocity(x, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("finite slopes", Assert.Throws<ArgumentException>(() => both.Denoise(x, NoiseLevel.Of(0.8, 0.6))).Message, StringComparison.Ordinal);
        Assert.Contains("finite slopes", Assert.Throws<ArgumentException>(() => both.Denoise(x, new NoiseLevel(0.4, 0.8, 0.6, -1, double.PositiveInfinity))).Message, StringComparison.Ordinal);
        Assert.Contains("finite slopes", Assert.Throws<ArgumentException>(() => both.Denoise(x, new NoiseLevel(double.NaN, 0.8, 0.6, -1, 1))).Message, StringComparison.Ordinal);
    }

    private static void Near(Tensor expected, Tensor actual) => Assert.True((expected - actual).abs().max().item<double>() < 1e-12);

    // sin x, and cos x in as many channels more.
    private sealed class Halves() : DenoisingNetwork("Halves")
    {
        public bool Twice { get; set; }

        public bool WasTraining { get; private set; }

        public double Label { get; private set; }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            (WasTraining, Label) = (training, input2[0].item<double>());
            return (Twice ? cat([input1.sin(), input1.cos()], 1) : input1.sin()).MoveToOuterDisposeScope();
        }
    }
}
