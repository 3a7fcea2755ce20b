namespace Diffusion.Schedules;

/// <summary>
/// A path of your own between data and noise, x_t = α(t)·x₀ + σ(t)·x₁. Slopes are given or taken numerically, the inverse is found by bracketing. (Albergo, Boffi and
/// Vanden-Eijnden 2023, "stochastic interpolants")
/// </summary>
/// <remarks>
/// Numerical slopes are those of α² and σ², by Richardson extrapolation inside [0, 1]: right to about 10⁻⁹ of the function where it is smooth on the scale of 0.01. α may so start
/// like √(1 − t) and σ like √t, whose own slopes are infinite. Elsewhere give the slopes.
/// </remarks>
public sealed class InterpolantSchedule : NoiseSchedule
{
    private const int Checks = 512;
    private readonly Func<double, double> _alpha;
    private readonly Func<double, double> _sigma;
    private readonly Func<double, double>? _alphaDot;
    private readonly Func<double, double>? _sigmaDot;

    /// <summary>The schedule of two functions on [0, 1].</summary>
    /// <param name="alpha">α, at least 0 and finite, positive before t = 1. Called on any thread.</param>
    /// <param name="sigma">σ, at least 0 and finite, positive after t = 0. Called on any thread.</param>
    /// <param name="alphaDot">dα/dt; numerical if null.</param>
    /// <param name="sigmaDot">dσ/dt; numerical if null. May be infinite at t = 0.</param>
    /// <exception cref="ArgumentException">A function leaves its range, or σ/α does not rise strictly; looked at on 512 times.</exception>
    public InterpolantSchedule(Func<double, double> alpha, Func<double, double> sigma, Func<double, double>? alphaDot = null, Func<double, double>? sigmaDot = null)
    {
        ArgumentNullException.ThrowIfNull(alpha);
        ArgumentNullException.ThrowIfNull(sigma);
        _alpha = alpha;
        _sigma = sigma;
        _alphaDot = alphaDot;
        _sigmaDot = sigmaDot;
        var before = double.NegativeInfinity;
        for (var i = 0; i <= Checks; i++)
        {
            var t = (double)i / Checks;
            var (a, s) = (alpha(t), sigma(t));
            if (!(a >= 0) || !double.IsFinite(a) || (a == 0 && i < Checks))
                throw new ArgumentException($"α({t:g4}) = {a}; it must be finite, at least 0, and positive before t = 1.", nameof(alpha));
            if (!(s >= 0) || !double.IsFinite(s) || (s == 0 && i > 0))
                throw new ArgumentException($"σ({t:g4}) = {s}; it must be finite, at least 0, and positive after t = 0.", nameof(sigma));
            var ratio = Math.Log(s) - Math.Log(a);
            if (i > 0 && !(ratio > before)) throw new ArgumentException($"σ/α falls or stays the same before t = {t:g4}: noise must grow with time.", nameof(sigma));
            before = ratio;
        }
    }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var (alpha, sigma) = (_alpha(time), _sigma(time));
        var sigmaDot = _sigmaDot is null ? SlopeOf(_sigma, time) : _sigmaDot(time);
        var variance = _sigmaDot is not null && double.IsFinite(sigmaDot) ? 2 * sigma * sigmaDot : Slope(t => _sigma(t) * _sigma(t), time).Value;
        return new NoiseLevel(time, alpha, sigma, _alphaDot is null ? SlopeOf(_alpha, time) : _alphaDot(time), sigmaDot) { VarianceDot = variance };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        var wanted = -logSnr / 2; // ln(σ/α), which rises
        var (below, above) = (LogRatio(0), LogRatio(1));
        if (!(wanted >= below - 1e-12 * Math.Abs(below) && wanted <= above + 1e-12 * Math.Abs(above))) throw Unreached(logSnr);
        if (wanted <= below) return 0;
        if (wanted >= above) return 1;
        var (low, high) = Roots.Bisect(0, 1, time => LogRatio(time) < wanted);
        return LogRatio(high) - wanted < wanted - LogRatio(low) ? high : low;
    }

    private double LogRatio(double time) => Math.Log(_sigma(time)) - Math.Log(_alpha(time));

    // The slope of a function, or of its square over twice the function, whichever is known better. Where it vanishes while its square leaves 0 with a
    // slope, it is infinite.
    private static double SlopeOf(Func<double, double> function, double time)
    {
        var value = function(time);
        var (square, squareError) = Slope(t => function(t) * function(t), time);
        if (value < 1e-12 && Math.Abs(square) > 1e-6) return square > 0 ? double.PositiveInfinity : double.NegativeInfinity;
        var (slope, error) = Slope(function, time);
        return squareError / (2 * value) < error ? square / (2 * value) : slope;
    }

    // Central differences with steps halved four times and extrapolated; at an end differences to one side.
    private static (double Value, double Error) Slope(Func<double, double> function, double time)
    {
        var room = Math.Min(time, 1 - time);
        var central = room > 1e-3;
        var h = central ? Math.Min(room, 0.02) : 0.02 * (time < 0.5 ? 1 : -1);
        const int halvings = 7;
        var table = new double[halvings];
        var (best, error) = (double.NaN, double.PositiveInfinity);
        for (var i = 0; i < halvings; i++, h /= 2)
        {
            var estimate = central ? (function(time + h) - function(time - h)) / (2 * h) : (function(time + h) - function(time)) / h;
            var factor = 1.0;
            for (var j = 0; j < i; j++)
            {
                factor *= central ? 4 : 2;
                var refined = estimate + (estimate - table[j]) / (factor - 1);
                table[j] = estimate;
                var change = Math.Abs(refined - estimate);
                if (change < error) (best, error) = (refined, change);
                estimate = refined;
            }

            table[i] = estimate;
        }

        return (best, error);
    }
}
