namespace Diffusion.Schedules;

/// <summary>
/// The variance-preserving process with β linear in time: α = exp(−B/2), σ² = 1 − exp(−B), B(t) = β₀t + ½(β₁ − β₀)t². (Song et al. 2021,
/// eq. 33)
/// </summary>
public sealed class VariancePreservingSchedule : NoiseSchedule
{
    /// <summary>The process between two noise rates.</summary>
    /// <param name="betaMin">β at t = 0; at least 0 and finite. 0.1 in the paper.</param>
    /// <param name="betaMax">β at t = 1; at least <paramref name="betaMin"/>, positive and finite. 20 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A rate is out of its range.</exception>
    public VariancePreservingSchedule(double betaMin = 0.1, double betaMax = 20)
    {
        if (!(betaMin >= 0) || !double.IsFinite(betaMin)) throw new ArgumentOutOfRangeException(nameof(betaMin), betaMin, "β must be finite and at least 0.");
        if (!(betaMax >= betaMin) || !(betaMax > 0) || !double.IsFinite(betaMax))
            throw new ArgumentOutOfRangeException(nameof(betaMax), betaMax, $"The final β must be positive, finite and at least the first ({betaMin}).");
        BetaMin = betaMin;
        BetaMax = betaMax;
    }

    /// <summary>β at t = 0.</summary>
    public double BetaMin { get; }

    /// <summary>β at t = 1.</summary>
    public double BetaMax { get; }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var beta = BetaMin + (BetaMax - BetaMin) * time;
        var integral = BetaMin * time + (BetaMax - BetaMin) * time * time / 2;
        var alpha = Math.Exp(-integral / 2);
        var sigma = Math.Sqrt(-Exponentials.Expm1(-integral));
        var varianceDot = beta * alpha * alpha;
        return new NoiseLevel(time, alpha, sigma, -beta * alpha / 2, varianceDot / (2 * sigma)) { VarianceDot = varianceDot };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsPositiveInfinity(logSnr)) return 0;
        var integral = logSnr > 0 ? Exponentials.Log1p(Math.Exp(-logSnr)) : -logSnr + Exponentials.Log1p(Math.Exp(logSnr)); // ln(1 + σ²/α²)
        var slope = BetaMax - BetaMin;
        var time = 2 * integral / (BetaMin + Math.Sqrt(BetaMin * BetaMin + 2 * slope * integral)); // the root of ½·slope·t² + β₀·t = B without cancellation
        if (!(time <= 1 + 1e-12)) throw Unreached(logSnr);
        return Math.Min(time, 1);
    }
}
