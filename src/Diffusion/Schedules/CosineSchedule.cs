namespace Diffusion.Schedules;

/// <summary>
/// The cosine schedule in continuous time: α = cos(φ(t))/cos(φ(0)), φ(t) = ½π(t + s)/(1 + s), σ² = 1 − α². (Nichol and Dhariwal 2021, eq. 17,
/// whose ᾱ is our α²)
/// </summary>
/// <remarks>α is exactly 0 at t = 1: predict v, the velocity or the data there, not ε.</remarks>
public sealed class CosineSchedule : NoiseSchedule
{
    private readonly double _start; // φ(0)
    private readonly double _rate; // dφ/dt

    /// <summary>The schedule with an offset.</summary>
    /// <param name="offset">s, at least 0 and finite; keeps the first steps from being too small. 0.008 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative or not finite.</exception>
    public CosineSchedule(double offset = 0.008)
    {
        if (!(offset >= 0) || !double.IsFinite(offset)) throw new ArgumentOutOfRangeException(nameof(offset), offset, "The offset must be finite and at least 0.");
        Offset = offset;
        _rate = Math.PI / 2 / (1 + offset);
        _start = _rate * offset;
    }

    /// <summary>s.</summary>
    public double Offset { get; }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        // The angle from the noisy end keeps α exact where it vanishes; 1 − α² is a product of sines, exact where it vanishes.
        var remaining = _rate * (1 - time);
        var scale = Math.Cos(_start);
        var alpha = Math.Sin(remaining) / scale;
        var angle = _rate * time;
        var alphaDot = -_rate * Math.Sin(_start + angle) / scale;
        var sigma = Math.Sqrt(Math.Sin(angle) * Math.Sin(angle + 2 * _start)) / scale;
        var varianceDot = -2 * alpha * alphaDot;
        var sigmaDot = sigma > 0 ? varianceDot / (2 * sigma) : varianceDot > 0 ? double.PositiveInfinity : _rate; // s = 0: σ = sin φ
        return new NoiseLevel(time, time == 1 ? 0 : alpha, time == 1 ? 1 : sigma, alphaDot, time == 1 ? 0 : sigmaDot) { VarianceDot = time == 1 ? 0 : varianceDot };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsNaN(logSnr)) throw Unreached(logSnr);
        if (double.IsPositiveInfinity(logSnr)) return 0;
        // With α² = 1/(1 + e^{−λ}), φ = arccos(α·cos φ(0)); taken from the sines of its two distances so that both ends stay exact.
        var alpha = Math.Sqrt(1 / (1 + Math.Exp(-logSnr)));
        var sigmaSquared = 1 / (1 + Math.Exp(logSnr));
        var scale = Math.Cos(_start);
        if (logSnr < 0) return Math.Clamp(1 - Math.Asin(alpha * scale) / _rate, 0, 1);
        var sine = Math.Sqrt(Math.Sin(_start) * Math.Sin(_start) + sigmaSquared * scale * scale); // sin φ
        // sin φ − sin φ(0) without cancellation, then the angle from its sine's increment.
        var increment = sigmaSquared * scale * scale / (sine + Math.Sin(_start));
        var cosine = alpha * scale;
        return Math.Clamp(2 * Math.Atan2(increment, cosine + scale) / _rate, 0, 1);
    }
}
