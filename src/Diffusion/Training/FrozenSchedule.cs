namespace Diffusion.Training;

/// <summary>
/// What a <see cref="LearnedSchedule"/> was at one moment, in plain numbers: γ(t) = −log-SNR = γ₀ + (γ₁ − γ₀)·(m(t) − m(0))/(m(1) − m(0)) with m(t) = a·t + Σ w·sigmoid(s·(t − c)), variance
/// preserving. Exact, with exact slopes.
/// </summary>
internal sealed class FrozenSchedule : NoiseSchedule
{
    private readonly double _start; // γ₀
    private readonly double _width; // γ₁ − γ₀
    private readonly double _rate; // a
    private readonly (double Weight, double Steepness, double Centre)[] _units;
    private readonly double _origin; // m(0)
    private readonly double _scale; // (γ₁ − γ₀)/(m(1) − m(0))

    public FrozenSchedule(double start, double width, double rate, (double Weight, double Steepness, double Centre)[] units)
    {
        (_start, _width, _rate, _units) = (start, width, rate, units);
        _origin = Shape(0).Value;
        _scale = width / (Shape(1).Value - _origin);
    }

    /// <summary>γ and dγ/dt.</summary>
    public (double Value, double Slope) Gamma(double time)
    {
        var (value, slope) = Shape(time);
        return (time == 1 ? _start + _width : _start + _scale * (value - _origin), _scale * slope);
    }

    /// <summary>The level of a γ, of no time.</summary>
    public static NoiseLevel Of(double gamma) => NoiseLevel.Of(Math.Sqrt(1 / (1 + Math.Exp(gamma))), Math.Sqrt(1 / (1 + Math.Exp(-gamma))));

    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var (gamma, slope) = Gamma(time);
        var (alpha, sigma) = Of(gamma) is var level ? (level.Alpha, level.Sigma) : default;
        return new NoiseLevel(time, alpha, sigma, -slope * alpha * sigma * sigma / 2, slope * sigma * alpha * alpha / 2);
    }

    public override double TimeAtLogSnr(double logSnr)
    {
        var rounding = 1e-12 * (Math.Abs(_start) + _width);
        if (!(-logSnr >= _start - rounding && -logSnr <= _start + _width + rounding)) throw Unreached(logSnr);
        var (low, high, time) = (0.0, 1.0, 0.5);
        for (var i = 0; i < 200; i++) // Newton's method, halving where it leaves the bracket
        {
            var (gamma, slope) = Gamma(time);
            var excess = gamma + logSnr;
            if (excess == 0) return time;
            if (excess > 0) high = time; else low = time;
            var next = time - excess / slope;
            if (!(next > low && next < high)) next = low + (high - low) / 2;
            if (Math.Abs(next - time) <= 1e-16 * time || next == low || next == high) return next;
            time = next;
        }

        return time;
    }

    private (double Value, double Slope) Shape(double time)
    {
        var (value, slope) = (_rate * time, _rate);
        foreach (var (weight, steepness, centre) in _units)
        {
            var sigmoid = 1 / (1 + Math.Exp(-steepness * (time - centre)));
            value += weight * sigmoid;
            slope += weight * steepness * sigmoid * (1 - sigmoid);
        }

        return (value, slope);
    }
}
