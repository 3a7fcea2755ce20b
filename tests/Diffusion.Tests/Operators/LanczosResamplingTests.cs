using Diffusion.Operators;
using Xunit;

namespace Diffusion.Tests.Operators;

public class LanczosResamplingTests
{
    [Fact]
    public void TheKernelAndTheWeightsOfTwofoldUpscalingAreTheTabulatedOnes()
    {
        Assert.Equal(0.60792710, LanczosResampling.Kernel(0.5), 1e-8);
        Assert.Equal(-0.13509491, LanczosResampling.Kernel(1.5), 1e-8);
        Assert.Equal(0.02431708, LanczosResampling.Kernel(-2.5), 1e-8);
        Assert.Equal(0, LanczosResampling.Kernel(3));
        // An odd new pixel in the middle lies a quarter of an old one to the right: old pixels at −2.25 … 2.75.
        var weights = LanczosResampling.Weights(16, 32);
        double[] tabulated = [0.03011229, -0.13327464, 0.89277077, 0.27101057, -0.06799726, 0.00737827];
        var i = 17;
        for (var k = 0; k < 6; k++) Assert.Equal(tabulated[k], weights[i, (i - 1) / 2 - 2 + k], 1e-8);
        Assert.Equal(0.99697154, Enumerable.Range(-2, 6).Sum(k => LanczosResampling.Kernel(k - 0.25)), 1e-8); // before they are scaled to 1
    }

    [Theory]
    [InlineData(8, 16)]
    [InlineData(8, 12)]
    [InlineData(28, 14)]
    [InlineData(28, 7)]
    [InlineData(30, 11)]
    [InlineData(5, 1)]
    public void WeightsSumToOneSoThatConstantsStay(int from, int to)
    {
        var weights = LanczosResampling.Weights(from, to);
        for (var i = 0; i < to; i++) Assert.Equal(1, Enumerable.Range(0, from).Sum(j => weights[i, j]), 1e-14);
        using var scope = NewDisposeScope();
        Assert.True((LanczosResampling.Resize(full([1, 2, from, from], 0.7, float64), to, to) - 0.7).abs().max().item<double>() < 1e-14);
    }

    [Fact]
    public void TheSameSizeIsTheIdentity()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var x = noise.Next([2, 1, 7, 9], ScalarType.Float64, CPU);
        Assert.True((LanczosResampling.Resize(x, 7, 9) - x).abs().max().item<double>() < 1e-14);
    }

    [Theory]
    [InlineData(48, 24, 1e-13)] // every new pixel lies evenly between old ones, and the kernel is even
    [InlineData(48, 16, 1e-13)]
    [InlineData(24, 48, 0.02)] // a windowed sinc bends a line by 2 % of a pixel
    [InlineData(24, 36, 0.02)]
    public void LinesStayLinesInside(int from, int to, double tolerance)
    {
        var weights = LanczosResampling.Weights(from, to);
        var ratio = (double)from / to;
        var reach = (int)Math.Ceiling(3 * Math.Max(1, 1 / ratio) * Math.Max(1, ratio) / Math.Min(1, ratio)) + 1;
        for (var i = reach; i < to - reach; i++)
            Assert.Equal((i + 0.5) * ratio, Enumerable.Range(0, from).Sum(j => weights[i, j] * (j + 0.5)), tolerance);
    }

    [Fact]
    public void RowsAndColumnsAreDoneEachByItself()
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (LanczosResampling.Weights(6, 9), LanczosResampling.Weights(8, 4));
        var impulse = zeros(1, 1, 6, 8, dtype: float64);
        impulse[0, 0, 2, 5] = 1;
        var resized = LanczosResampling.Resize(impulse, 9, 4);
        for (var i = 0; i < 9; i++)
            for (var j = 0; j < 4; j++) Assert.Equal(rows[i, 2] * columns[j, 5], resized[0, 0, i, j].item<double>(), 1e-14);
        Assert.True(LanczosResampling.Operator(6, 8, 9, 4).Apply(impulse).allclose(resized, 1e-14, 1e-14));
    }

    [Fact]
    public void MadeSmallerFineDetailIsAveragedAndNotFolded()
    {
        // A chequerboard has nothing below half the sampling rate: a quarter of the size shows grey. Taking single pixels would show ±1.
        using var scope = NewDisposeScope();
        var parity = (arange(32, int64).view(32, 1) + arange(32, int64)).remainder(2).to(float64).mul(2).sub(1).view(1, 1, 32, 32);
        Assert.True(LanczosResampling.Resize(parity, 8, 8).narrow(2, 1, 6).narrow(3, 1, 6).abs().max().item<double>() < 1e-3);
    }

    [Fact]
    public void WhatIsNoImageIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => LanczosResampling.Resize(zeros(3), 4, 4));
        Assert.Throws<ArgumentException>(() => LanczosResampling.Resize(zeros([1, 3, 3], int64), 4, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => LanczosResampling.Resize(zeros(1, 3, 3), 0, 4));
    }
}
