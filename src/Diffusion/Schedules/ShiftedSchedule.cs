namespace Diffusion.Schedules;

/// <summary>
/// Another schedule's levels, reached earlier: at each time σ/α is a factor s higher. On rectified flow σ = st/(1 + (s − 1)t), the shift of Stable Diffusion 3.
/// (Esser et al. 2024, eq. 23; Hoogeboom et al. 2023, "simple diffusion")
/// </summary>
/// <remarks>Large images hide noise better than small ones: the same σ destroys less of them, so training and sampling move towards more noise.</remarks>
public sealed class ShiftedSchedule : NoiseSchedule
{
    private readonly double _logSnr; // what is taken off the log-SNR

    /// <summary>Shifts a schedule.</summary>
    /// <param name="inner">The schedule. It must run from clean data to pure noise (σ = 0 and α = 0 at its ends), as rectified flow, cosine and trigonometric schedules do.</param>
    /// <param name="shift">s, positive: 3 for Stable Diffusion 3, 1 for no change.</param>
    /// <exception cref="ArgumentException">The schedule stops short of clean data or pure noise.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The shift is not positive and finite.</exception>
    public ShiftedSchedule(NoiseSchedule inner, double shift)
    {
        ArgumentNullException.ThrowIfNull(inner);
        if (!(shift > 0) || !double.IsFinite(shift)) throw new ArgumentOutOfRangeException(nameof(shift), shift, "A shift is a positive, finite factor of σ/α.");
        if (!inner.At(0).IsClean || inner.At(1).Alpha != 0)
            throw new ArgumentException($"{inner.GetType().Name} runs from log-SNR {inner.At(0).LogSnr:g6} to {inner.At(1).LogSnr:g6}: shifted, it would leave its range. A schedule from clean data to pure noise is needed.", nameof(inner));
        Inner = inner;
        Shift = shift;
        _logSnr = 2 * Math.Log(shift);
    }

    /// <summary>The schedule that is shifted.</summary>
    public NoiseSchedule Inner { get; }

    /// <summary>s.</summary>
    public double Shift { get; }

    /// <summary>The shift that keeps an image's signal-to-noise ratio when its resolution changes: √(to/from). (Esser et al. 2024, section 5.3.2)</summary>
    /// <param name="from">Number of pixels that the schedule was made for, positive.</param>
    /// <param name="to">Number of pixels that it is used for, positive.</param>
    public static double ForResolution(double from, double to)
    {
        if (!(from > 0) || !double.IsFinite(from)) throw new ArgumentOutOfRangeException(nameof(from), from, "A number of pixels is positive.");
        if (!(to > 0) || !double.IsFinite(to)) throw new ArgumentOutOfRangeException(nameof(to), to, "A number of pixels is positive.");
        return Math.Sqrt(to / from);
    }

    /// <summary>The shift e^μ with μ linear in the number of tokens, as published flow models of variable resolution use it.</summary>
    /// <param name="tokens">Number of image tokens, positive.</param>
    /// <param name="baseShift">μ at <paramref name="baseTokens"/>.</param>
    /// <param name="maxShift">μ at <paramref name="maxTokens"/>.</param>
    /// <param name="baseTokens">A small image's tokens.</param>
    /// <param name="maxTokens">A large image's tokens.</param>
    public static double ForTokens(double tokens, double baseShift = 0.5, double maxShift = 1.15, double baseTokens = 256, double maxTokens = 4096)
    {
        if (!(tokens > 0) || !double.IsFinite(tokens)) throw new ArgumentOutOfRangeException(nameof(tokens), tokens, "A number of tokens is positive.");
        if (!(maxTokens > baseTokens)) throw new ArgumentOutOfRangeException(nameof(maxTokens), maxTokens, $"The large image must have more tokens than the small one ({baseTokens}).");
        return Math.Exp(baseShift + (maxShift - baseShift) * (tokens - baseTokens) / (maxTokens - baseTokens));
    }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        var here = Inner.At(time);
        var level = here.IsClean || here.Alpha == 0 ? here : Inner.AtLogSnr(here.LogSnr - _logSnr);
        var speed = Speed(here, level);
        // Where the clean end's σ̇ is infinite, so is the product; the slope of σ² is finite.
        return new NoiseLevel(time, level.Alpha, level.Sigma, level.AlphaDot * speed, level.SigmaDot * speed) { VarianceDot = level.VarianceDot * speed };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr) => Inner.TimeAtLogSnr(logSnr + _logSnr);

    // dt'/dt, where t' is the inner time: the ratio of the slopes of (σ/α)² at both; at the ends its limit.
    private double Speed(NoiseLevel here, NoiseLevel there)
    {
        if (here.IsClean) return here.VarianceDot > 0 ? Shift * Shift : Shift; // σ grows like √t or like t
        if (here.Alpha == 0) return double.IsInfinity(here.AlphaDot) ? 1 / (Shift * Shift) : 1 / Shift; // the same with α seen from t = 1
        return Slope(here) / Slope(there);
    }

    // The slope of the log-SNR, up to its sign.
    private static double Slope(NoiseLevel level) => level.DiffusionSquared / (level.Sigma * level.Sigma);
}
