namespace Diffusion.SamplerTable;

/// <summary>The quantiles of the laws' mixture (weights .4 and .6, means −.8 and .7, variances .05 and .02) with noise added, in x̂ = x/α.</summary>
internal static class MixtureQuantiles
{
    /// <summary>The quantiles at (i + ½)/count.</summary>
    /// <param name="count">How many.</param>
    /// <param name="sigma">σ̂, the deviation of the noise.</param>
    /// <returns>[count] in float64, rising; a fresh tensor in the caller's scope.</returns>
    public static Tensor At(int count, double sigma)
    {
        using var scope = NewDisposeScope();
        var wanted = (arange(count, dtype: float64) + 0.5) / count;
        var (low, high) = (full(count, -2 - 9 * sigma, dtype: float64), full(count, 2 + 9 * sigma, dtype: float64));
        for (var i = 0; i < 64; i++)
        {
            var middle = (low + high) / 2;
            var below = (Part(middle, 0.4, -0.8, 0.05) + Part(middle, 0.6, 0.7, 0.02)).lt(wanted);
            (low, high) = (where(below, middle, low), where(below, high, middle));
        }

        return ((low + high) / 2).MoveToOuterDisposeScope();

        Tensor Part(Tensor x, double weight, double mean, double variance) =>
            (((x - mean) / Math.Sqrt(2 * (variance + sigma * sigma))).erf() + 1) * (weight / 2);
    }
}
