using Xunit;

namespace Diffusion.Tests.Core;

public class BetaDistributionTests
{
    [Theory]
    [InlineData(0.5, 0.5)]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    public void QuantilesEqualTheClosedForms(double a, double b)
    {
        for (var p = 0.0; p <= 1; p += 1 / 64.0)
        {
            var exact = (a, b) switch
            {
                (0.5, 0.5) => Math.Pow(Math.Sin(Math.PI * p / 2), 2), // the arcsine law
                (1, 1) => p,
                _ => Math.Sqrt(p), // P(X ≤ x) = x²
            };
            Assert.Equal(exact, BetaDistribution.Quantile(p, a, b), 13);
        }
    }

    [Fact]
    public void QuantilesInvertTheIntegralOfTheDensity()
    {
        // ∫₀ˣ t^(a−1)(1−t)^(a−1) dt with t = u^(1/a), by the midpoint rule: smooth in u away from t = 1.
        const double a = 0.6;
        double Integral(double x)
        {
            const int n = 200_000;
            var end = Math.Pow(x, a);
            var sum = 0.0;
            for (var i = 0; i < n; i++) sum += Math.Pow(1 - Math.Pow(end * (i + 0.5) / n, 1 / a), a - 1);
            return sum * end / n / a;
        }

        var half = Integral(0.5);
        foreach (var p in new[] { 0.001, 0.1, 0.25, 0.4 })
        {
            var x = BetaDistribution.Quantile(p, a, a);
            Assert.Equal(p, 0.5 * Integral(x) / half, 9);
            Assert.Equal(1 - x, BetaDistribution.Quantile(1 - p, a, a), 14);
        }
    }
}
