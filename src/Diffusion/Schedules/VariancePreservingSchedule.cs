namespace Diffusion.Schedules;

/// <summary>
/// The variance-preserving process with β linear in time: α = exp(−B/2), σ² = 1 − exp(−B), B(t) = β₀t + ½(β₁ − β₀)t². (Song et al. 2021,
/// eq. 33)
/// </summary>
public sealed class VariancePreservingSchedule : NoiseSchedule
{
    private readonly LinearRate _rate;

    /// <summary>The process between two noise rates.</summary>
    /// <param name="betaMin">β at t = 0; at least 0 and finite. 0.1 in the paper.</param>
    /// <param name="betaMax">β at t = 1; at least <paramref name="betaMin"/>, positive and finite. 20 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A rate is out of its range.</exception>
    public VariancePreservingSchedule(double betaMin = 0.1, double betaMax = 20) => _rate = new LinearRate(betaMin, betaMax);

    /// <summary>β at t = 0.</summary>
    public double BetaMin => _rate.Start;

    /// <summary>β at t = 1.</summary>
    public double BetaMax => _rate.End;

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var (beta, integral) = (_rate.At(time), _rate.Integral(time));
        var alpha = Math.Exp(-integral / 2);
        var sigma = Math.Sqrt(-Exponentials.Expm1(-integral));
        var varianceDot = beta * alpha * alpha;
        var sigmaDot = time == 0 && BetaMin == 0 ? Math.Sqrt(BetaMax / 2) : varianceDot / (2 * sigma); // β₀ = 0: σ rises like t
        return new NoiseLevel(time, alpha, sigma, -beta * alpha / 2, sigmaDot) { VarianceDot = varianceDot };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsPositiveInfinity(logSnr)) return 0;
        var integral = Exponentials.SoftPlus(-logSnr); // ln(1 + σ²/α²)
        var time = _rate.TimeAtIntegral(integral);
        if (!(time <= 1 + 1e-12)) throw Unreached(logSnr);
        return Math.Min(time, 1);
    }
}
