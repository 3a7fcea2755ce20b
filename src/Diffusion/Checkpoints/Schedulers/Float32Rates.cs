namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: the references hold noise rates and their product in float32. 1 − β loses digits where β is small, so the cleanest σ of a usual schedule
/// is off by 10⁻⁵ … 10⁻⁴, and with it every ramp that ends there.
/// </summary>
internal static class Float32Rates
{
    /// <summary>The noise rates whose exact product is the product of given rates as float32 holds it.</summary>
    /// <param name="betas">Noise rates in (0, 1]; only the last may be 1.</param>
    /// <exception cref="ArgumentException">A rate is so small that 1 − β is 1 in float32.</exception>
    public static double[] Round(double[] betas)
    {
        var rounded = new double[betas.Length];
        var (product, previous) = (1.0, 1.0);
        for (var i = 0; i < betas.Length; i++)
        {
            product *= 1f - (float)betas[i]; // accumulated in double, every value rounded
            double alphaBar = (float)product;
            rounded[i] = 1 - alphaBar / previous;
            if (!(rounded[i] > 0)) throw new ArgumentException($"β_{i} = {betas[i]} vanishes in float32.", nameof(betas));
            previous = alphaBar;
        }

        return rounded;
    }

    /// <summary>The same rates with a last one that leaves 2⁻²⁴ of the data's variance: what classes that step in σ put in place of nothing.</summary>
    /// <param name="betas">Noise rates of which the last is 1.</param>
    public static double[] LeaveTheLeast(double[] betas)
    {
        var before = 1.0;
        foreach (var beta in betas.AsSpan(0, betas.Length - 1)) before *= 1 - beta;
        return [.. betas.AsSpan(0, betas.Length - 1), 1 - Math.ScaleB(1, -24) / before];
    }
}
