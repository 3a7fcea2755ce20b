namespace Diffusion.Samplers;

/// <summary>
/// Steps along σ̂ = σ/α. With x̂ = x/α the flow of every Gaussian schedule is dx̂/dσ̂ = ε̂, so what is written here serves all of them. (Karras et al. 2022,
/// eq. 4; Song, Meng and Ermon 2021, eq. 14)
/// </summary>
internal static class NoiseAxis
{
    /// <summary>x̂' = x̂ + (σ̂' − σ̂)·d, in the states' own scale. The level moved from must hold data (α > 0).</summary>
    public static LinearForm Move(Tensor x, NoiseLevel from, NoiseLevel to, LinearForm d) => new()
    {
        { to.Alpha / from.Alpha, x },
        { to.Sigma - to.Alpha / from.Alpha * from.Sigma, d },
    };

    /// <summary>
    /// x̂' = e^{−h}·x̂ + (1 − e^{−h})·x̂₀, in the states' own scale: the exact solution where the estimate does not change. From pure noise and to clean
    /// data too. (Lu et al. 2022b, eq. 9)
    /// </summary>
    public static LinearForm Decay(Tensor x, NoiseLevel from, NoiseLevel to, LinearForm x0) => new()
    {
        { to.Sigma / from.Sigma, x },
        { -to.Alpha * Exponentials.Expm1(-HalfLogSnrStep(from, to)), x0 },
    };

    /// <inheritdoc cref="Decay(Tensor, NoiseLevel, NoiseLevel, LinearForm)"/>
    public static LinearForm Decay(Tensor x, NoiseLevel from, NoiseLevel to, Tensor x0) => Decay(x, from, to, new LinearForm { { 1, x0 } });

    /// <summary>The level a fraction of the way from one σ̂ to another.</summary>
    public static NoiseLevel Between(this NoiseSchedule schedule, NoiseLevel from, NoiseLevel to, double fraction) =>
        schedule.AtNoiseToSignal(from.NoiseToSignal + fraction * (to.NoiseToSignal - from.NoiseToSignal));

    /// <summary>The level a fraction of the way from one log-SNR to another; halfway is the geometric mean of the two σ̂.</summary>
    public static NoiseLevel BetweenLogSnr(this NoiseSchedule schedule, NoiseLevel from, NoiseLevel to, double fraction) =>
        schedule.AtLogSnr(from.LogSnr + fraction * (to.LogSnr - from.LogSnr));

    /// <summary>h = λ' − λ with λ = ln(α/σ), the step of the exponential integrators: positive towards the data, +∞ from pure noise.</summary>
    public static double HalfLogSnrStep(NoiseLevel from, NoiseLevel to) => (to.LogSnr - from.LogSnr) / 2;
}
