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
}
