namespace Diffusion;

/// <summary>Exponential differences that .NET lacks, exact to rounding near 0 where the plain formulas lose every digit.</summary>
internal static class Exponentials
{
    /// <summary>eˣ − 1. (Kahan's quotient: the error of the rounded exponential cancels against that of its logarithm.)</summary>
    public static double Expm1(double x)
    {
        var exp = Math.Exp(x);
        if (exp == 1) return x;
        var minusOne = exp - 1;
        if (minusOne == -1 || double.IsPositiveInfinity(exp)) return minusOne;
        return minusOne * x / Math.Log(exp);
    }

    /// <summary>ln(1 + x), by the same quotient.</summary>
    public static double Log1p(double x)
    {
        var one = 1 + x;
        return one == 1 ? x : double.IsPositiveInfinity(one) ? one : Math.Log(one) * x / (one - 1);
    }

    /// <summary>ln(1 + eˣ).</summary>
    public static double SoftPlus(double x) => Math.Max(x, 0) + Log1p(Math.Exp(-Math.Abs(x)));

    /// <summary>
    /// z·φ_k(z) = z·∫₀¹ e^{z(1−s)} s^{k−1}/(k−1)! ds: the weight that an exponential integrator gives to the (k − 1)-th derivative. Finite, and
    /// equal to its limit, at z = −∞.
    /// </summary>
    /// <param name="k">At least 1.</param>
    /// <param name="z">Any number but +∞.</param>
    public static double ScaledPhi(int k, double z)
    {
        if (Math.Abs(z) >= 1)
        {
            // φ_k(z) = (φ_{k−1}(z) − 1/(k−1)!)/z from φ_0(z) = e^z; dividing by |z| ≥ 1 loses nothing.
            var scaled = Expm1(z);
            var factorial = 1.0;
            for (var j = 2; j <= k; j++)
            {
                factorial *= j - 1;
                scaled = scaled / z - 1 / factorial;
            }

            return scaled;
        }

        var term = z;
        for (var j = 2; j <= k; j++) term /= j;
        var sum = 0.0;
        for (var j = k + 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); j++) // Σ z^{n+1}/(n + k)!
        {
            sum += term;
            term *= z / j;
        }

        return sum;
    }
}
