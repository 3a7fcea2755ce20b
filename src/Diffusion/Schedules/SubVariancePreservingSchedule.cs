namespace Diffusion.Schedules;

/// <summary>
/// The sub-variance-preserving process: α = e^{−B/2} and σ = 1 − e^{−B} with the B of <see cref="VariancePreservingSchedule"/>, whose variance it never exceeds.
/// (Song et al. 2021, eq. 33 with g² = β(1 − e^{−2B}))
/// </summary>
public sealed class SubVariancePreservingSchedule : NoiseSchedule
{
    private readonly LinearRate _rate;

    /// <summary>The process with a linear noise rate.</summary>
    /// <param name="betaMin">β at t = 0, at least 0; 0.1 in the paper.</param>
    /// <param name="betaMax">β at t = 1, positive and at least <paramref name="betaMin"/>; 20 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A rate is out of its range.</exception>
    public SubVariancePreservingSchedule(double betaMin = 0.1, double betaMax = 20) => _rate = new LinearRate(betaMin, betaMax);

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
        return new NoiseLevel(time, alpha, -Exponentials.Expm1(-integral), -beta * alpha / 2, beta * alpha * alpha);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsPositiveInfinity(logSnr)) return 0;
        var time = _rate.TimeAtIntegral(2 * Math.Asinh(Math.Exp(-logSnr / 2) / 2)); // σ/α = 2·sinh(B/2)
        if (!(time <= 1 + 1e-12)) throw Unreached(logSnr);
        return Math.Min(time, 1);
    }
}
