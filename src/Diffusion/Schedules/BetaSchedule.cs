namespace Diffusion.Schedules;

/// <summary>The noise rates β_0 … β_{T−1} that discrete diffusion models were trained with, as numbers.</summary>
public static class BetaSchedule
{
    /// <summary>β linear in the timestep. (Ho et al. 2020: 0.0001 to 0.02 in 1000 steps)</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="start">β of the first timestep, in (0, 1).</param>
    /// <param name="end">β of the last timestep, in (0, 1).</param>
    public static double[] Linear(int steps = 1000, double start = 1e-4, double end = 0.02) => Ramp(steps, start, end, static b => b, static b => b);

    /// <summary>√β linear in the timestep. (Rombach et al. 2022: 0.00085 to 0.012 in Stable Diffusion)</summary>
    /// <inheritdoc cref="Linear"/>
    public static double[] ScaledLinear(int steps = 1000, double start = 0.00085, double end = 0.012) => Ramp(steps, start, end, Math.Sqrt, static b => b * b);

    /// <summary>β on the logistic curve from −6 to 6 between two rates.</summary>
    /// <inheritdoc cref="Linear"/>
    public static double[] Sigmoid(int steps = 1000, double start = 1e-4, double end = 0.02)
    {
        CheckRates(steps, start, end);
        return Array.ConvertAll(Ramp(steps), r => start + (end - start) / (1 + Math.Exp(6 - 12 * r)));
    }

    /// <summary>β_i = min(1 − ᾱ((i+1)/T)/ᾱ(i/T), maximum) with ᾱ(t) = cos²(½π(t + s)/(1 + s)). (Nichol and Dhariwal 2021, eq. 17)</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="offset">s, at least 0.</param>
    /// <param name="maximum">Largest β, in (0, 1].</param>
    public static double[] Cosine(int steps = 1000, double offset = 0.008, double maximum = 0.999)
    {
        if (!(offset >= 0) || !double.IsFinite(offset)) throw new ArgumentOutOfRangeException(nameof(offset), offset, "The offset must be finite and at least 0.");
        return FromAlphaBar(steps, t => Math.Pow(Math.Cos((t + offset) / (1 + offset) * Math.PI / 2), 2), maximum);
    }

    /// <summary>The same with ᾱ(t) = e^{−12t}: one β for all timesteps.</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="maximum">Largest β, in (0, 1].</param>
    public static double[] Exponential(int steps = 1000, double maximum = 0.999) => FromAlphaBar(steps, static t => Math.Exp(-12 * t), maximum);

    /// <summary>The same with a log-SNR of Laplace form, λ(t) = ∓½·ln(1 − 2|½ − t| + 10⁻⁶), − up to t = ½, of which ᾱ is √(1/(1 + e^{−λ})). (Hang et al. 2024)</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="maximum">Largest β, in (0, 1].</param>
    public static double[] Laplace(int steps = 1000, double maximum = 0.999) => FromAlphaBar(steps, static t =>
    {
        var logSnr = (t <= 0.5 ? -0.5 : 0.5) * Math.Log(1 - 2 * Math.Abs(0.5 - t) + 1e-6);
        return Math.Sqrt(1 / (1 + Math.Exp(-logSnr)));
    }, maximum);

    /// <summary>β_i = min(1 − ᾱ((i+1)/T)/ᾱ(i/T), maximum) of a given ᾱ(t).</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="alphaBar">ᾱ of t in [0, 1], falling and positive below t = 1.</param>
    /// <param name="maximum">Largest β, in (0, 1].</param>
    public static double[] FromAlphaBar(int steps, Func<double, double> alphaBar, double maximum = 0.999)
    {
        ArgumentNullException.ThrowIfNull(alphaBar);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (!(maximum > 0 && maximum <= 1)) throw new ArgumentOutOfRangeException(nameof(maximum), maximum, "The largest β must lie in (0, 1].");
        var betas = new double[steps];
        for (var i = 0; i < steps; i++) betas[i] = Math.Min(1 - alphaBar((i + 1.0) / steps) / alphaBar((double)i / steps), maximum);
        return betas;
    }

    /// <summary>
    /// The same noise rates changed so that nothing of the data is left at the last timestep: √ᾱ shifted to 0 at the end and scaled back
    /// to its first value. (Lin et al. 2023, algorithm 1)
    /// </summary>
    /// <param name="betas">Noise rates in (0, 1).</param>
    public static double[] RescaleToZeroTerminalSnr(ReadOnlySpan<double> betas)
    {
        if (betas.Length < 2) throw new ArgumentException($"{betas.Length} noise rates were given; at least 2 are needed.", nameof(betas));
        var root = new double[betas.Length];
        var product = 1.0;
        for (var i = 0; i < betas.Length; i++) root[i] = Math.Sqrt(product *= 1 - betas[i]);
        var (first, last) = (root[0], root[^1]);
        var rescaled = new double[betas.Length];
        var previous = 1.0;
        for (var i = 0; i < rescaled.Length; i++)
        {
            var shifted = (root[i] - last) * first / (first - last);
            rescaled[i] = 1 - shifted * shifted / (previous * previous);
            previous = shifted;
        }

        return rescaled;
    }

    private static double[] Ramp(int steps, double start, double end, Func<double, double> to, Func<double, double> from)
    {
        CheckRates(steps, start, end);
        return Array.ConvertAll(Ramp(steps), r => from(to(start) + (to(end) - to(start)) * r));
    }

    private static double[] Ramp(int steps)
    {
        var ramp = new double[steps];
        for (var i = 0; i < steps; i++) ramp[i] = steps == 1 ? 0 : (double)i / (steps - 1);
        return ramp;
    }

    private static void CheckRates(int steps, double start, double end)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (!(start > 0 && start < 1)) throw new ArgumentOutOfRangeException(nameof(start), start, "A noise rate lies in (0, 1).");
        if (!(end > 0 && end < 1)) throw new ArgumentOutOfRangeException(nameof(end), end, "A noise rate lies in (0, 1).");
    }
}
