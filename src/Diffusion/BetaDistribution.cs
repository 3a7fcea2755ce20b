namespace Diffusion;

/// <summary>The beta distribution on [0, 1] with density ∝ x^(a−1)·(1−x)^(b−1): where the beta time grid puts its times.</summary>
internal static class BetaDistribution
{
    /// <summary>The x with P(X ≤ x) = probability, to about 1e-14.</summary>
    /// <param name="probability">In [0, 1].</param>
    /// <param name="a">Positive.</param>
    /// <param name="b">Positive.</param>
    public static double Quantile(double probability, double a, double b)
    {
        if (probability is 0 or 1) return probability;
        // Above the mean, by symmetry from the other end, so that x near 1 keeps its digits.
        var mean = a / (a + b);
        var (below, _) = Distribution(mean, a, b);
        if (probability > below) return 1 - Quantile01(1 - probability, b, a);
        return Quantile01(probability, a, b);
    }

    // In u = xᵃ, in which the distribution is smooth at 0.
    private static double Quantile01(double probability, double a, double b)
    {
        var root = Roots.Newton(0, 1, Math.Min(0.5, probability), u =>
        {
            var x = Math.Pow(u, 1 / a);
            var (value, density) = Distribution(x, a, b);
            return (value - probability, density / a * Math.Pow(x, 1 - a));
        });
        return Math.Pow(root, 1 / a);
    }

    /// <summary>P(X ≤ x) and the density at x, from the continued fraction of the incomplete beta function.</summary>
    private static (double Value, double Density) Distribution(double x, double a, double b)
    {
        if (x <= 0) return (0, 0);
        if (x >= 1) return (1, 0);
        var logBeta = LogGamma(a) + LogGamma(b) - LogGamma(a + b);
        var front = Math.Exp(a * Math.Log(x) + b * Exponentials.Log1p(-x) - logBeta);
        var density = front / (x * (1 - x));
        var value = x < (a + 1) / (a + b + 2) ? front * Fraction(x, a, b) / a : 1 - front * Fraction(1 - x, b, a) / b;
        return (value, density);
    }

    // Lentz's evaluation of the continued fraction of I_x(a, b) (Abramowitz and Stegun 26.5.8).
    private static double Fraction(double x, double a, double b)
    {
        const double tiny = 1e-300;
        var c = 1.0;
        var d = Guard(1 - (a + b) * x / (a + 1));
        d = 1 / d;
        var h = d;
        for (var m = 1; m < 500; m++)
        {
            var even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / Guard(1 + even * d);
            c = Guard(1 + even / c);
            h *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / Guard(1 + odd * d);
            c = Guard(1 + odd / c);
            var factor = d * c;
            h *= factor;
            if (Math.Abs(factor - 1) < 1e-16) break;
        }

        return h;

        static double Guard(double value) => Math.Abs(value) < tiny ? tiny : value;
    }

    // ln Γ by Stirling's series from 10 on, the recurrence below.
    private static double LogGamma(double x)
    {
        var shift = 0.0;
        while (x < 10)
        {
            shift += Math.Log(x);
            x++;
        }

        var inverse = 1 / (x * x);
        var series = (1.0 / 12 + inverse * (-1.0 / 360 + inverse * (1.0 / 1260 + inverse * (-1.0 / 1680 + inverse * (1.0 / 1188 - inverse * 691.0 / 360360))))) / x;
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series - shift;
    }
}
