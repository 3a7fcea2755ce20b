namespace Diffusion;

/// <summary>The standard normal distribution on the host, in double precision.</summary>
internal static class NormalDistribution
{
    /// <summary>Φ(x), to 1e-15 absolute. (Marsaglia 2004: Taylor series around 0, and a continued fraction in the tails.)</summary>
    public static double Cumulative(double x)
    {
        if (double.IsNaN(x)) return double.NaN;
        var density = Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);
        if (Math.Abs(x) > 6)
        {
            if (density == 0) return x > 0 ? 1 : 0;
            var fraction = Math.Abs(x); // Mills' ratio: φ(x)/(x + 1/(x + 2/(x + …)))
            for (var k = 60; k > 0; k--) fraction = Math.Abs(x) + k / fraction;
            return x > 0 ? 1 - density / fraction : density / fraction;
        }

        var (sum, term) = (x, x);
        for (var k = 3; Math.Abs(term) > 1e-18; k += 2) sum += term *= x * x / k;
        return 0.5 + density * sum;
    }

    /// <summary>Φ⁻¹(p) to 1e-15 relative; −∞ at 0 and +∞ at 1. (Wichura 1988, algorithm AS 241, PPND16.)</summary>
    public static double Quantile(double p)
    {
        var q = p - 0.5;
        if (Math.Abs(q) <= 0.425)
        {
            var r = 0.180625 - q * q;
            return q * Ratio(r,
                [2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080],
                [5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1]);
        }

        var tail = Math.Sqrt(-Math.Log(q < 0 ? p : 1 - p));
        if (double.IsInfinity(tail)) return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        var x = tail <= 5
            ? Ratio(tail - 1.6,
                [7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734],
                [1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1])
            : Ratio(tail - 5,
                [2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720],
                [2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1]);
        return q < 0 ? -x : x;
    }

    private static double Ratio(double r, ReadOnlySpan<double> numerator, ReadOnlySpan<double> denominator)
    {
        var (n, d) = (0.0, 0.0);
        for (var i = 0; i < numerator.Length; i++) (n, d) = (n * r + numerator[i], d * r + denominator[i]);
        return n / d;
    }
}
