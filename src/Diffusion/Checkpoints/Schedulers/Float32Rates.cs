namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: the references hold noise rates and their product in float32. 1 − β loses digits where β is small, so the cleanest σ of a usual schedule
/// is off by 10⁻⁵ … 10⁻⁴, and with it every ramp that ends there.
/// </summary>
internal static class Float32Rates
{
    /// <summary>
    /// A ramp as libtorch makes it in float32: from both ends to the middle, eight values at a time, with fused multiply-adds. A last digit of β
    /// decides how 1 − β is rounded, so it matters.
    /// </summary>
    /// <param name="start">The first value.</param>
    /// <param name="end">The last value.</param>
    /// <param name="count">How many values, at least 1.</param>
    public static double[] Linspace(double start, double end, int count)
    {
        const int lanes = 8;
        var (first, last) = ((float)start, (float)end);
        var step = count > 1 ? (last - first) / (count - 1) : 0;
        float At(int i) => i < count / 2 ? MathF.FusedMultiplyAdd(step, i, first) : MathF.FusedMultiplyAdd(-step, count - 1 - i, last);
        var values = new double[count];
        for (var i = 0; i < count; i++)
        {
            var block = i - i % lanes;
            values[i] = block + lanes <= count ? MathF.FusedMultiplyAdd(step, i - block, At(block)) : At(i);
        }

        if (count == 1) values[0] = first;
        return values;
    }

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

    /// <summary>Rescaling to no signal at the end (Lin et al. 2023, algorithm 1) with every intermediate in float32, whose rounding grows towards the end.</summary>
    /// <param name="betas">Noise rates in (0, 1), at least two.</param>
    public static double[] RescaleToZeroTerminalSnr(double[] betas)
    {
        if (betas.Length < 2) throw new ArgumentException($"{betas.Length} noise rates were given; at least 2 are needed to rescale.", nameof(betas));
        var roots = new float[betas.Length];
        var product = 1.0;
        for (var i = 0; i < roots.Length; i++) roots[i] = MathF.Sqrt((float)(product *= 1f - (float)betas[i]));
        var (first, last) = (roots[0], roots[^1]);
        var scale = first / (first - last);
        var rescaled = new double[betas.Length];
        var previous = 1f;
        for (var i = 0; i < rescaled.Length; i++)
        {
            var root = (roots[i] - last) * scale;
            var alphaBar = root * root;
            rescaled[i] = 1f - alphaBar / previous;
            previous = alphaBar;
        }

        return rescaled;
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
