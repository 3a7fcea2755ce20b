namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: a σ ladder as a reference computes it in float32, where <c>exp(x) − 1</c> loses digits near clean data. <see cref="TimeGrid"/> makes the exact one: at 0.001 they
/// differ by 2·10⁻⁴.
/// </summary>
public static class Float32Ladder
{
    /// <summary>σ = √(e^B − 1) of the variance-preserving process at equal times, as k-diffusion rounds it.</summary>
    /// <param name="steps">Number of levels, at least 1.</param>
    /// <param name="betaMin">β at t = 0, at least 0.</param>
    /// <param name="betaMax">β at t = 1, at least <paramref name="betaMin"/>.</param>
    /// <param name="last">The last time, in (0, 1].</param>
    /// <returns>The levels, falling; for <see cref="TimeGrid.FromNoiseToSignal"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static double[] VariancePreserving(int steps, double betaMin = 0.1, double betaMax = 20, double last = 1e-3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (!(betaMin >= 0) || !double.IsFinite(betaMin)) throw new ArgumentOutOfRangeException(nameof(betaMin), betaMin, "β must be finite and at least 0.");
        if (!(betaMax >= betaMin) || !double.IsFinite(betaMax)) throw new ArgumentOutOfRangeException(nameof(betaMax), betaMax, $"The final β must be finite and at least the first ({betaMin}).");
        if (!(last > 0 && last <= 1)) throw new ArgumentOutOfRangeException(nameof(last), last, "The last time lies in (0, 1].");
        var (half, min) = ((float)(betaMax - betaMin), (float)betaMin);
        return Array.ConvertAll(Float32Rates.Linspace(1, last, steps), time =>
        {
            var t = (float)time;
            return (double)MathF.Sqrt(MathF.Exp(half * (t * t) / 2 + min * t) - 1);
        });
    }
}
