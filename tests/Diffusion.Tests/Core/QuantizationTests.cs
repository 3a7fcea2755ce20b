using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Core;

public class QuantizationTests
{
    private static Tensor AllLevels(Quantization levels) => arange(levels.Levels, dtype: float64).mul_(levels.Step).add_(levels.Minimum);

    [Theory]
    [InlineData(0, -2)]
    [InlineData(0.9, -5)]
    [InlineData(-1, 0)]
    [InlineData(0.3, -12)]
    [InlineData(5, 1)]
    [InlineData(-40, -3)]
    public void MassesOfADiscretizedGaussianSumToOne(double mean, double logDeviation)
    {
        using var scope = NewDisposeScope();
        var masses = new DiscretizedGaussian(Quantization.Bytes).LogProbability(AllLevels(Quantization.Bytes), tensor(mean), tensor(2 * logDeviation));
        Assert.Equal(1, masses.exp().sum().item<double>(), 1e-13);
        Assert.True(masses.isfinite().all().item<bool>());
    }

    [Fact]
    public void MassesAreThoseOfTheNormalDistribution()
    {
        using var scope = NewDisposeScope();
        var levels = new Quantization(5, 0, 4); // bins of width 1 around 0, 1, 2, 3, 4
        var found = new DiscretizedGaussian(levels).LogProbability(AllLevels(levels), tensor(1.3), tensor(Math.Log(0.49))).exp().data<double>().ToArray();
        double Phi(double edge) => NormalDistribution.Cumulative((edge - 1.3) / 0.7);
        double[] expected = [Phi(0.5), Phi(1.5) - Phi(0.5), Phi(2.5) - Phi(1.5), Phi(3.5) - Phi(2.5), 1 - Phi(3.5)];
        for (var i = 0; i < 5; i++) Assert.Equal(expected[i], found[i], 1e-14);
    }

    // Far in the tail a mass is that of the density next to the bin's nearer edge: Mills' ratio.
    [Fact]
    public void FarTailsKeepTheirLogarithmsAndGradients()
    {
        using var scope = NewDisposeScope();
        var mean = tensor(0.0).requires_grad_();
        var logVariance = tensor(2 * Math.Log(1e-3)).requires_grad_();
        var x = tensor(Quantization.Bytes.Minimum + 200 * Quantization.Bytes.Step);
        var value = new DiscretizedGaussian(Quantization.Bytes).LogProbability(x, mean, logVariance);
        var z = (x.item<double>() - Quantization.Bytes.Step / 2) / 1e-3;
        Assert.Equal(-z * z / 2 - Math.Log(z) - 0.5 * Math.Log(2 * Math.PI), value.item<double>(), 1e-5 * z);
        value.backward();
        Assert.Equal(z / 1e-3, mean.grad!.item<double>(), 1e-3 * z / 1e-3);
        Assert.Equal(z * z / 2, logVariance.grad!.item<double>(), 1e-3 * z * z / 2);
    }

    [Fact]
    public void GradientsAreThoseOfDifferences()
    {
        using var scope = NewDisposeScope();
        var gaussian = new DiscretizedGaussian(new Quantization(8));
        var x = AllLevels(gaussian.Levels);
        double Sum(double mean, double logVariance) => gaussian.LogProbability(x, tensor(mean), tensor(logVariance)).sum().item<double>();
        var mean = tensor(0.21).requires_grad_();
        var logVariance = tensor(-3.0).requires_grad_();
        gaussian.LogProbability(x, mean, logVariance).sum().backward();
        const double h = 1e-5;
        Assert.Equal((Sum(0.21 + h, -3) - Sum(0.21 - h, -3)) / (2 * h), mean.grad!.item<double>(), 1e-5);
        Assert.Equal((Sum(0.21, -3 + h) - Sum(0.21, -3 - h)) / (2 * h), logVariance.grad!.item<double>(), 1e-5);
    }

    [Fact]
    public void BytesSpreadOverTheirBinsHaveEightBitsUnderAnEvenDensity()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var levels = Quantization.Bytes;
        Assert.Equal(2 / 255.0, levels.Step, 1e-15);
        Assert.Equal(PixelScale.FromByte(37), levels.Minimum + 37 * levels.Step, 1e-6);
        var x = AllLevels(levels).repeat(100).view(1, -1);
        var spread = levels.Dequantize(x, noise) - x;
        Assert.InRange(spread.abs().max().item<double>(), 0.499 * levels.Step, 0.5 * levels.Step + 1e-15);
        Assert.Equal(0, spread.mean().item<double>() / levels.Step, 4 * Math.Sqrt(1.0 / 12 / 25600));
        Assert.Equal(1.0 / 12, spread.square().mean().item<double>() / (levels.Step * levels.Step), 4 * Math.Sqrt(1.0 / 180 / 25600));
        // An even density over all bins is 1/(256·Step).
        var logDensity = full(1, -25600 * Math.Log(256 * levels.Step), float64);
        Assert.Equal(8, levels.BitsPerDimension(logDensity, 25600).item<double>(), 1e-12);
        Assert.Equal(8, Quantization.BitsOfProbability(full(1, -25600 * Math.Log(256), float64), 25600).item<double>(), 1e-12);
    }
}
