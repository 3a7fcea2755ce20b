namespace Diffusion.Schedules;

/// <summary>
/// A variance-preserving schedule whose log-SNR falls as a sum of sigmoids: γ(t) = −log-SNR = γ₀ + (γ₁ − γ₀)·(m(t) − m(0))/(m(1) − m(0)) with m(t) = a·t + Σ w·sigmoid(s·(t − c)). What a
/// learned schedule is once it is learned. (Kingma et al. 2021, appendix H)
/// </summary>
public sealed class MonotoneSchedule : NoiseSchedule
{
    private readonly double[] _weights;
    private readonly double[] _steepness;
    private readonly double[] _centres;
    private readonly double _origin; // m(0)
    private readonly double _scale; // (γ₁ − γ₀)/(m(1) − m(0))

    /// <summary>The schedule of given numbers.</summary>
    /// <param name="startLogSnr">Log-SNR at t = 0, finite.</param>
    /// <param name="endLogSnr">Log-SNR at t = 1, finite and below the first.</param>
    /// <param name="rate">a, positive and finite; with no sigmoids the log-SNR is linear whatever its value.</param>
    /// <param name="weights">w of each sigmoid, at least 0 and finite.</param>
    /// <param name="steepness">s of each, at least 0 and finite.</param>
    /// <param name="centres">c of each, finite.</param>
    /// <exception cref="ArgumentException">A number is out of its range, or the lists differ in length.</exception>
    public MonotoneSchedule(double startLogSnr, double endLogSnr, double rate, ReadOnlySpan<double> weights, ReadOnlySpan<double> steepness, ReadOnlySpan<double> centres)
    {
        if (!double.IsFinite(startLogSnr)) throw new ArgumentOutOfRangeException(nameof(startLogSnr), startLogSnr, "The log-SNR at t = 0 must be finite.");
        if (!(endLogSnr < startLogSnr) || !double.IsFinite(endLogSnr)) throw new ArgumentOutOfRangeException(nameof(endLogSnr), endLogSnr, "The log-SNR at t = 1 must be finite and below that at t = 0.");
        if (!(rate > 0) || !double.IsFinite(rate)) throw new ArgumentOutOfRangeException(nameof(rate), rate, "The rate must be positive and finite.");
        if (weights.Length != steepness.Length || weights.Length != centres.Length)
            throw new ArgumentException($"There are {weights.Length} weights, {steepness.Length} steepnesses and {centres.Length} centres; one of each for every sigmoid is needed.", nameof(weights));
        for (var i = 0; i < weights.Length; i++)
            if (!(weights[i] >= 0 && steepness[i] >= 0) || !double.IsFinite(weights[i]) || !double.IsFinite(steepness[i]) || !double.IsFinite(centres[i]))
                throw new ArgumentException($"Sigmoid {i} has weight {weights[i]}, steepness {steepness[i]} and centre {centres[i]}; finite numbers are needed, the first two at least 0.", nameof(weights));
        (StartLogSnr, EndLogSnr, Rate) = (startLogSnr, endLogSnr, rate);
        (_weights, _steepness, _centres) = (weights.ToArray(), steepness.ToArray(), centres.ToArray());
        _origin = Shape(0).Value;
        _scale = (startLogSnr - endLogSnr) / (Shape(1).Value - _origin);
    }

    /// <summary>Log-SNR at t = 0.</summary>
    public double StartLogSnr { get; }

    /// <summary>Log-SNR at t = 1.</summary>
    public double EndLogSnr { get; }

    /// <summary>a.</summary>
    public double Rate { get; }

    /// <summary>w of each sigmoid.</summary>
    public IReadOnlyList<double> Weights => _weights;

    /// <summary>s of each sigmoid.</summary>
    public IReadOnlyList<double> Steepness => _steepness;

    /// <summary>c of each sigmoid.</summary>
    public IReadOnlyList<double> Centres => _centres;

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var (gamma, slope) = Gamma(time);
        var level = OfGamma(gamma);
        return new NoiseLevel(time, level.Alpha, level.Sigma, -slope * level.Alpha * level.Sigma * level.Sigma / 2, slope * level.Sigma * level.Alpha * level.Alpha / 2);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        var rounding = 1e-12 * Math.Max(1, Math.Abs(StartLogSnr) + Math.Abs(EndLogSnr));
        if (!(logSnr <= StartLogSnr + rounding && logSnr >= EndLogSnr - rounding)) throw Unreached(logSnr);
        if (logSnr >= StartLogSnr) return 0;
        if (logSnr <= EndLogSnr) return 1;
        return Roots.Newton(0, 1, 0.5, time =>
        {
            var (gamma, slope) = Gamma(time);
            return (gamma + logSnr, slope);
        });
    }

    /// <summary>γ and dγ/dt.</summary>
    internal (double Value, double Slope) Gamma(double time)
    {
        var (value, slope) = Shape(time);
        return (time == 1 ? -EndLogSnr : _scale * (value - _origin) - StartLogSnr, _scale * slope);
    }

    /// <summary>The level of a γ, of no time.</summary>
    internal static NoiseLevel OfGamma(double gamma) => NoiseLevel.Of(Math.Sqrt(1 / (1 + Math.Exp(gamma))), Math.Sqrt(1 / (1 + Math.Exp(-gamma))));

    private (double Value, double Slope) Shape(double time)
    {
        var (value, slope) = (Rate * time, Rate);
        for (var i = 0; i < _weights.Length; i++)
        {
            var sigmoid = 1 / (1 + Math.Exp(-_steepness[i] * (time - _centres[i])));
            value += _weights[i] * sigmoid;
            slope += _weights[i] * _steepness[i] * sigmoid * (1 - sigmoid);
        }

        return (value, slope);
    }
}
