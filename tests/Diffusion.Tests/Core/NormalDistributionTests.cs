using Xunit;

namespace Diffusion.Tests.Core;

public class NormalDistributionTests
{
    // Reference values to all digits from tables of the error function.
    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1, 0.84134474606854293)]
    [InlineData(-1.959963984540054, 0.025)]
    [InlineData(3, 0.99865010196836990)]
    [InlineData(-5, 2.8665157187919391e-7)]
    [InlineData(-8, 6.2209605742717841e-16)]
    public void CumulativeIsExact(double x, double expected) => Assert.Equal(expected, NormalDistribution.Cumulative(x), 4e-16 + 1e-12 * expected);

    [Fact]
    public void QuantileInvertsTheCumulative()
    {
        for (var x = -5.0; x <= 5; x += 0.01)
        {
            var p = NormalDistribution.Cumulative(x);
            Assert.Equal(x, NormalDistribution.Quantile(p), 1e-15 * Math.Sqrt(2 * Math.PI) * Math.Exp(x * x / 2) + 1e-14); // an error of p grows by 1/φ(x)
        }

        Assert.Equal(-8, NormalDistribution.Quantile(6.2209605742717841e-16), 1e-12);
        Assert.Equal(double.NegativeInfinity, NormalDistribution.Quantile(0));
        Assert.Equal(double.PositiveInfinity, NormalDistribution.Quantile(1));
    }
}
