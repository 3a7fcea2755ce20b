namespace Diffusion.Schedules;

/// <summary>
/// The schedule of EDM: α = 1, and σ runs along the ramp on which EDM places its steps, σ(t) = (σ_min^{1/ρ} + t·(σ_max^{1/ρ} − σ_min^{1/ρ}))^ρ. A uniform time grid
/// is so the published one. (Karras et al. 2022, eq. 5 and table 1, whose own time is our σ)
/// </summary>
/// <remarks>How time is spread over the levels changes no trajectory; train with <c>TimeDistribution.LogNormal</c>, which speaks of σ.</remarks>
public sealed class KarrasSchedule : NoiseSchedule
{
    private readonly double _start; // σ_min^{1/ρ}
    private readonly double _slope; // σ_max^{1/ρ} − σ_min^{1/ρ}

    /// <summary>The schedule between two levels.</summary>
    /// <param name="sigmaMin">σ at t = 0, positive; 0.002 in the paper.</param>
    /// <param name="sigmaMax">σ at t = 1, above <paramref name="sigmaMin"/>; 80 in the paper.</param>
    /// <param name="rho">ρ, at least 1; 7 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public KarrasSchedule(double sigmaMin = 0.002, double sigmaMax = 80, double rho = 7)
    {
        SigmaRange.Check(sigmaMin, sigmaMax);
        if (!(rho >= 1) || !double.IsFinite(rho)) throw new ArgumentOutOfRangeException(nameof(rho), rho, "ρ must be finite and at least 1.");
        SigmaMin = sigmaMin;
        SigmaMax = sigmaMax;
        Rho = rho;
        _start = Math.Pow(sigmaMin, 1 / rho);
        _slope = Math.Pow(sigmaMax, 1 / rho) - _start;
    }

    /// <summary>σ at t = 0.</summary>
    public double SigmaMin { get; }

    /// <summary>σ at t = 1.</summary>
    public double SigmaMax { get; }

    /// <summary>ρ.</summary>
    public double Rho { get; }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var root = _start + time * _slope;
        var sigma = time == 0 ? SigmaMin : time == 1 ? SigmaMax : Math.Pow(root, Rho);
        return new NoiseLevel(time, 1, sigma, 0, Rho * sigma / root * _slope);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr) =>
        SigmaRange.Inside((Math.Exp(-logSnr / 2 / Rho) - _start) / _slope) ?? throw Unreached(logSnr);
}
