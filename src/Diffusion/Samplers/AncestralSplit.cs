namespace Diffusion.Samplers;

/// <summary>
/// An ancestral step in two parts: without noise to a level cleaner than the target, then fresh noise up to the target. The noise is η times that of the
/// posterior q(x_s | x_t, x₀), so η = 1 is ancestral sampling and η = 0 leaves the flow.
/// </summary>
/// <param name="Down">Where the step without noise goes: the target's α with less σ.</param>
/// <param name="Deviation">Standard deviation of the noise.</param>
internal readonly record struct AncestralSplit(NoiseLevel Down, double Deviation)
{
    /// <summary>The split of a step.</summary>
    /// <param name="from">The level of the state.</param>
    /// <param name="to">The target, not noisier.</param>
    /// <param name="eta">η, at least 0; where it asks for more noise than the target holds, the step goes to clean data first.</param>
    public static AncestralSplit Of(NoiseLevel from, NoiseLevel to, double eta)
    {
        // Of σ'², η²(1 − e^{−2h}) is fresh; what is kept is summed from positive parts, so that long steps lose no digits.
        if (!(to.LogSnr >= from.LogSnr))
            throw new ArgumentException($"An ancestral step needs less noise at its end: log-SNR runs from {from.LogSnr:g6} to {to.LogSnr:g6}.", nameof(to));
        var change = from.LogSnr - to.LogSnr; // −2h
        var (fresh, kept) = (-eta * eta * Exponentials.Expm1(change), 1 - eta * eta + eta * eta * Math.Exp(change));
        var (down, deviation) = kept > 0 ? (Math.Sqrt(kept), Math.Sqrt(fresh)) : (0, 1);
        return new AncestralSplit(NoiseLevel.Of(to.Alpha, to.Sigma * down), to.Sigma * deviation);
    }

    /// <summary>The split whose part without noise goes no further than a level; the rest of the step's noise is left out with it.</summary>
    public AncestralSplit NoCleanerThan(NoiseLevel to, NoiseLevel end)
    {
        if (!(Down.NoiseToSignal < end.NoiseToSignal)) return this;
        var down = end.NoiseToSignal / to.NoiseToSignal;
        return new AncestralSplit(NoiseLevel.Of(to.Alpha, to.Alpha * end.NoiseToSignal), to.Sigma * Math.Sqrt(Math.Max(0, 1 - down * down)));
    }

    /// <summary>Checks the settings that all ancestral samplers share.</summary>
    public static (double Eta, double NoiseScale) Check(double eta, double noiseScale)
    {
        if (!(eta >= 0) || !double.IsFinite(eta)) throw new ArgumentOutOfRangeException(nameof(eta), eta, "η must be finite and at least 0: 0 is deterministic, 1 ancestral.");
        if (!(noiseScale >= 0) || !double.IsFinite(noiseScale)) throw new ArgumentOutOfRangeException(nameof(noiseScale), noiseScale, "The scale of the noise must be finite and at least 0.");
        return (eta, noiseScale);
    }
}
