namespace Diffusion.Schedules;

/// <summary>
/// The schedule of a forward equation dx = f(t)·x dt + g(t) dw of your own: α = exp ∫f and σ² = α²·(σ₀² + ∫g²/α²). The integrals are taken once, by
/// Gauss–Legendre quadrature on intervals that are halved until it agrees with itself; a level costs a few dozen calls of f and g². (Song et al. 2021,
/// section 3.4; Karras et al. 2022, eq. 6)
/// </summary>
/// <remarks>Equations that are not linear in x have no such schedule: simulate them with <c>ItoProcess</c>.</remarks>
public sealed class LinearSdeSchedule : NoiseSchedule
{
    private const int FirstPieces = 16, MostHalvings = 48;
    private static readonly GaussLegendre _rule = new(10);
    private readonly Func<double, double> _drift;
    private readonly Func<double, double> _diffusionSquared;
    private readonly double[] _times; // borders of the intervals
    private readonly double[] _logAlphas; // ∫f up to each border
    private readonly double[] _variances; // σ²/α² at each border

    /// <summary>The schedule of an equation.</summary>
    /// <param name="drift">f on [0, 1], finite. Called on any thread.</param>
    /// <param name="diffusionSquared">g² on [0, 1], finite and at least 0, and not 0 everywhere. Called on any thread.</param>
    /// <param name="initialVariance">σ₀², the variance of the noise that the data already has at t = 0; at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="initialVariance"/> is negative or not finite.</exception>
    /// <exception cref="ArgumentException">
    /// f or g² is not finite, g² is negative, an integral does not exist, or α or σ² at t = 1 is not a positive double.
    /// </exception>
    public LinearSdeSchedule(Func<double, double> drift, Func<double, double> diffusionSquared, double initialVariance = 0)
    {
        ArgumentNullException.ThrowIfNull(drift);
        ArgumentNullException.ThrowIfNull(diffusionSquared);
        if (!(initialVariance >= 0) || !double.IsFinite(initialVariance))
            throw new ArgumentOutOfRangeException(nameof(initialVariance), initialVariance, "The variance at t = 0 must be finite and at least 0.");
        _drift = t => drift(t) is var f && double.IsFinite(f) ? f
            : throw new ArgumentException($"The drift at t = {t:g6} is {f}; it must be finite on [0, 1].", nameof(drift));
        _diffusionSquared = t => diffusionSquared(t) is var g && g >= 0 && double.IsFinite(g) ? g
            : throw new ArgumentException($"The squared diffusion at t = {t:g6} is {g}; it must be finite and at least 0 on [0, 1].", nameof(diffusionSquared));
        var borders = new List<double> { 0 };
        for (var i = 0; i < FirstPieces; i++) Halve((double)i / FirstPieces, (i + 1.0) / FirstPieces, MostHalvings, borders);
        _times = [.. borders];
        _logAlphas = new double[_times.Length];
        _variances = new double[_times.Length];
        _variances[0] = initialVariance;
        for (var i = 1; i < _times.Length; i++)
        {
            _logAlphas[i] = LogAlpha(i - 1, _times[i]);
            _variances[i] = Variance(i - 1, _times[i]);
        }

        var end = At(1);
        if (!(end.Alpha > 0 && end.Sigma > 0) || !double.IsFinite(end.Alpha) || !double.IsFinite(end.Sigma) || !double.IsFinite(_variances[^1]))
            throw new ArgumentException($"The equation ends at α = {end.Alpha:g6}, σ = {end.Sigma:g6}; both must be positive and finite.", nameof(diffusionSquared));
    }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var piece = PieceOf(_times, time);
        var alpha = Math.Exp(LogAlpha(piece, time));
        var variance = Variance(piece, time) * alpha * alpha;
        var (f, sigma) = (_drift(time), Math.Sqrt(variance));
        var varianceDot = _diffusionSquared(time) + 2 * f * variance;
        var sigmaDot = sigma > 0 ? varianceDot / (2 * sigma) : varianceDot > 0 ? double.PositiveInfinity : 0;
        return new NoiseLevel(time, alpha, sigma, f * alpha, sigmaDot) { VarianceDot = varianceDot };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        var wanted = Math.Exp(-logSnr); // σ²/α²
        if (wanted < _variances[0] && wanted > _variances[0] * (1 - 1e-12)) return 0; // rounding of the exponential
        if (wanted > _variances[^1] && wanted < _variances[^1] * (1 + 1e-12)) return 1;
        if (!(wanted >= _variances[0] && wanted <= _variances[^1])) throw Unreached(logSnr);
        if (wanted == _variances[0]) return 0;
        var piece = PieceOf(_variances, wanted);
        var (low, high) = (_times[piece], _times[piece + 1]);
        var start = low + (high - low) * (wanted - _variances[piece]) / (_variances[piece + 1] - _variances[piece]);
        return Roots.Newton(low, high, start, time => (Variance(piece, time) - wanted, _diffusionSquared(time) * Math.Exp(-2 * LogAlpha(piece, time))));
    }

    // Splits [a, b] until the rule agrees with itself on the halves, for both functions.
    private void Halve(double a, double b, int halvings, List<double> borders)
    {
        var middle = a + (b - a) / 2;
        if (Agrees(_drift, a, middle, b, 1) && Agrees(_diffusionSquared, a, middle, b, 0))
        {
            borders.Add(b);
            return;
        }

        if (halvings == 0 || middle == a || middle == b)
        {
            // A jump costs no more than the width of the last interval; a pole keeps its share however narrow that is.
            if (Math.Abs(_rule.Integrate(_drift, a, b)) > 1e-10 || _rule.Integrate(_diffusionSquared, a, b) > 1e-10)
                throw new ArgumentException($"The drift or the squared diffusion cannot be integrated near t = {a:g6}. Where α reaches 0, as for rectified flow, use a schedule of α and σ.");
            borders.Add(b);
            return;
        }

        Halve(a, middle, halvings - 1, borders);
        Halve(middle, b, halvings - 1, borders);
    }

    // Absolutely to the rounding of a total of about `scale`, or relatively to the integral itself.
    private static bool Agrees(Func<double, double> f, double a, double middle, double b, double scale)
    {
        var (whole, halves) = (_rule.Integrate(f, a, b), _rule.Integrate(f, a, middle) + _rule.Integrate(f, middle, b));
        return Math.Abs(whole - halves) <= 1e-15 * scale + 1e-13 * Math.Abs(halves);
    }

    private static int PieceOf(double[] borders, double value)
    {
        var index = Array.BinarySearch(borders, value);
        return Math.Clamp(index >= 0 ? index : ~index - 1, 0, borders.Length - 2);
    }

    private double LogAlpha(int piece, double time) => _logAlphas[piece] + (time == _times[piece] ? 0 : _rule.Integrate(_drift, _times[piece], time));

    private double Variance(int piece, double time) => _variances[piece] + (time == _times[piece] ? 0
        : _rule.Integrate(t => _diffusionSquared(t) * Math.Exp(-2 * LogAlpha(piece, t)), _times[piece], time));
}
