namespace Diffusion.Schedules;

/// <summary>
/// The schedule of a model trained on T integer timesteps with noise rates β: ᾱ_i = Π(1 − β_j), α = √ᾱ, σ = √(1 − ᾱ), exact at every timestep.
/// Timestep i stands at time (i + 1)/T; time 0 is clean data. (Ho et al. 2020, eq. 4)
/// </summary>
public sealed class DiscreteSchedule : NoiseSchedule
{
    private readonly double[] _alphaBar;
    private readonly double[] _logAlphaBar;

    /// <summary>The schedule of given noise rates; <see cref="BetaSchedule"/> makes the usual ones.</summary>
    /// <param name="betas">β_0 … β_{T−1} in (0, 1); the last may be 1 (zero terminal SNR).</param>
    /// <param name="interpolation">What is linear between timesteps.</param>
    /// <exception cref="ArgumentException">There is no rate, or one is out of range.</exception>
    public DiscreteSchedule(ReadOnlySpan<double> betas, LevelInterpolation interpolation = LevelInterpolation.LogSnr)
    {
        if (betas.IsEmpty) throw new ArgumentException("A discrete schedule needs at least one noise rate.", nameof(betas));
        Betas = betas.ToArray();
        Interpolation = interpolation;
        _alphaBar = new double[betas.Length];
        _logAlphaBar = new double[betas.Length];
        var log = 0.0;
        for (var i = 0; i < betas.Length; i++)
        {
            var beta = betas[i];
            if (!(beta > 0) || beta > 1 || (beta == 1 && i + 1 < betas.Length))
                throw new ArgumentException($"β_{i} = {beta}; noise rates lie in (0, 1), and only the last may be 1.", nameof(betas));
            log += Exponentials.Log1p(-beta);
            _logAlphaBar[i] = log;
            _alphaBar[i] = Math.Exp(log);
        }
    }

    /// <summary>The schedule of given ᾱ.</summary>
    /// <param name="alphaBars">ᾱ_0 … ᾱ_{T−1}, falling strictly from below 1; the last may be 0.</param>
    /// <param name="interpolation">What is linear between timesteps.</param>
    /// <exception cref="ArgumentException">There is none, or they do not fall.</exception>
    public static DiscreteSchedule FromAlphaBars(ReadOnlySpan<double> alphaBars, LevelInterpolation interpolation = LevelInterpolation.LogSnr)
    {
        var betas = new double[alphaBars.Length];
        for (var i = 0; i < betas.Length; i++) betas[i] = 1 - alphaBars[i] / (i == 0 ? 1 : alphaBars[i - 1]);
        return new DiscreteSchedule(betas, interpolation);
    }

    /// <summary>The schedule of given noise levels.</summary>
    /// <param name="noiseToSignal">σ/α of each timestep, positive and rising strictly; the last may be infinite.</param>
    /// <param name="interpolation">What is linear between timesteps.</param>
    /// <exception cref="ArgumentException">There is none, or they do not rise.</exception>
    public static DiscreteSchedule FromNoiseToSignal(ReadOnlySpan<double> noiseToSignal, LevelInterpolation interpolation = LevelInterpolation.LogSnr) =>
        FromAlphaBars(Array.ConvertAll(noiseToSignal.ToArray(), sigma => 1 / (1 + sigma * sigma)), interpolation);

    /// <summary>The noise rates.</summary>
    public IReadOnlyList<double> Betas { get; }

    /// <summary>What is linear between timesteps.</summary>
    public LevelInterpolation Interpolation { get; }

    /// <summary>Number of training timesteps, T.</summary>
    public int TrainingSteps => _alphaBar.Length;

    /// <summary>ᾱ_i, the product of 1 − β up to and with timestep i.</summary>
    public double AlphaBar(int timestep) => _alphaBar[CheckTimestep(timestep)];

    /// <summary>The level of an integer timestep.</summary>
    /// <param name="timestep">0 … T − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such timestep.</exception>
    public NoiseLevel AtTimestep(int timestep) => At((CheckTimestep(timestep) + 1.0) / TrainingSteps);

    /// <summary>The level at a timestep that need not be an integer.</summary>
    /// <param name="timestep">In [−1, T − 1]; −1 is clean data.</param>
    public NoiseLevel AtTimestep(double timestep) => At((timestep + 1) / TrainingSteps);

    /// <summary>The timestep, not always an integer, of a level with a given σ/α: the inverse of <see cref="AtTimestep(double)"/>.</summary>
    /// <param name="noiseToSignal">σ/α.</param>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never reaches it.</exception>
    public double TimestepAt(double noiseToSignal) => TimeAtLogSnr(-2 * Math.Log(noiseToSignal)) * TrainingSteps - 1;

    /// <summary>The integer timestep whose σ/α is nearest to a given one, by ratio.</summary>
    /// <param name="noiseToSignal">σ/α, positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int NearestTimestep(double noiseToSignal)
    {
        if (!(noiseToSignal > 0)) throw new ArgumentOutOfRangeException(nameof(noiseToSignal), noiseToSignal, "σ/α must be positive.");
        var logSnr = -2 * Math.Log(noiseToSignal);
        var noisier = FirstFrom(logSnr);
        return noisier > 0 && LogSnrOf(_logAlphaBar[noisier - 1]) - logSnr <= logSnr - LogSnrOf(_logAlphaBar[noisier]) ? noisier - 1 : noisier;
    }

    /// <summary>
    /// What a network that was trained on this schedule is told at a level of any other: the timestep with the same σ/α, and beyond the trained levels the first or the last.
    /// </summary>
    /// <param name="nearest">Whether to tell it the nearest integer; else the interpolated timestep.</param>
    public NoiseLabel TimestepLabel(bool nearest = false) => new TrainedTimestepLabel(this, nearest);

    /// <summary>The time grid of a run of fewer steps than training had, through integer timesteps.</summary>
    /// <param name="steps">n, in [1, T].</param>
    /// <param name="spacing">Which timesteps.</param>
    /// <param name="offset">Added to every timestep of <see cref="TimestepSpacing.Leading"/>; 0 elsewhere.</param>
    /// <param name="final">Where the last step ends; clean data if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many timesteps, or the offset leads past the last.</exception>
    public TimeGrid Grid(int steps, TimestepSpacing spacing = TimestepSpacing.Trailing, int offset = 0, NoiseLevel? final = null)
    {
        if (steps < 1 || steps > TrainingSteps) throw new ArgumentOutOfRangeException(nameof(steps), steps, $"This schedule has {TrainingSteps} timesteps; a run visits 1 … {TrainingSteps} of them.");
        if (offset != 0 && spacing != TimestepSpacing.Leading) throw new ArgumentOutOfRangeException(nameof(offset), offset, "Only leading spacing takes an offset.");
        var timesteps = new int[steps];
        for (var i = 0; i < steps; i++)
            timesteps[i] = spacing switch
            {
                TimestepSpacing.Leading => (steps - 1 - i) * (TrainingSteps / steps) + offset,
                TimestepSpacing.Trailing => (int)Math.Round(TrainingSteps - i * (double)TrainingSteps / steps) - 1,
                TimestepSpacing.Linspace => steps == 1 ? 0 : (int)Math.Round((TrainingSteps - 1) * (double)(steps - 1 - i) / (steps - 1)),
                _ => throw new ArgumentOutOfRangeException(nameof(spacing), spacing, "There is no such spacing."),
            };
        return Grid(timesteps, final);
    }

    /// <summary>The time grid through given timesteps.</summary>
    /// <param name="timesteps">Timesteps in 0 … T − 1, in the order they are visited.</param>
    /// <param name="final">Where the last step ends; clean data if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such timestep.</exception>
    public TimeGrid Grid(ReadOnlySpan<int> timesteps, NoiseLevel? final = null)
    {
        var points = new NoisePoint[timesteps.Length];
        for (var i = 0; i < points.Length; i++) points[i] = AtTimestep(timesteps[i]);
        return TimeGrid.FromPoints(this, points, final);
    }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var position = time * TrainingSteps - 1;
        var nearest = Math.Round(position);
        if (Math.Abs(position - nearest) < 1e-9) position = nearest; // (i + 1)/T·T is not always i + 1
        if (position <= -1)
        {
            var start = -Exponentials.Expm1(_logAlphaBar[0]) * TrainingSteps; // ᾱ is linear up to the first timestep
            return new NoiseLevel(0, 1, 0, -start / 2, double.PositiveInfinity) { VarianceDot = start };
        }

        var upper = (int)Math.Ceiling(position);
        var fraction = position - (upper - 1); // in (0, 1]
        var (logAlphaBar, slope) = Between(upper, fraction);
        var alpha = Math.Exp(logAlphaBar / 2);
        var variance = -Exponentials.Expm1(logAlphaBar);
        // slope is d(ᾱ)/dt; α² = ᾱ and σ² = 1 − ᾱ.
        var rate = slope * TrainingSteps;
        var sigma = Math.Sqrt(variance);
        return new NoiseLevel(time, alpha, sigma, alpha > 0 ? rate / (2 * alpha) : double.NegativeInfinity, -rate / (2 * sigma)) { VarianceDot = -rate };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsPositiveInfinity(logSnr)) return 0;
        var last = LogSnrOf(_logAlphaBar[^1]);
        if (!(logSnr >= last - 1e-9 * Math.Max(1, Math.Abs(last)))) throw Unreached(logSnr);
        if (logSnr <= last) return 1;
        var upper = FirstFrom(logSnr);
        return (upper + Fraction(upper, logSnr)) / TrainingSteps;
    }

    // The first timestep with no more than this log-SNR, which falls; the last one if none has.
    private int FirstFrom(double logSnr)
    {
        var (low, high) = (0, TrainingSteps - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (LogSnrOf(_logAlphaBar[middle]) > logSnr) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    // ln ᾱ a fraction of the way from timestep upper − 1 to upper, and the slope of ᾱ there.
    private (double LogAlphaBar, double Slope) Between(int upper, double fraction)
    {
        var end = _logAlphaBar[upper];
        if (upper == 0 || double.IsNegativeInfinity(end)) // an end without a finite log-SNR: ᾱ itself is linear
        {
            var (a, b) = (upper == 0 ? 1 : _alphaBar[upper - 1], _alphaBar[upper]);
            if (upper == 0) return (fraction == 1 ? end : Exponentials.Log1p(fraction * Exponentials.Expm1(end)), b - a);
            return (fraction == 1 ? end : Math.Log(a + (b - a) * fraction), b - a);
        }

        var start = _logAlphaBar[upper - 1];
        if (Interpolation == LevelInterpolation.LogSnr)
        {
            var (l0, l1) = (LogSnrOf(start), LogSnrOf(end));
            var logSnr = l0 + (l1 - l0) * fraction;
            var log = fraction == 1 ? end : -Exponentials.SoftPlus(-logSnr);
            var alphaBar = Math.Exp(log);
            return (log, alphaBar * -Exponentials.Expm1(log) * (l1 - l0));
        }

        var (r0, r1) = (RatioOf(start), RatioOf(end));
        var ratio = r0 + (r1 - r0) * fraction;
        var logBar = fraction == 1 ? end : -Exponentials.Log1p(ratio * ratio); // ᾱ = 1/(1 + (σ/α)²)
        return (logBar, -2 * ratio * (r1 - r0) * Math.Exp(2 * logBar));
    }

    private double Fraction(int upper, double logSnr)
    {
        var end = _logAlphaBar[upper];
        var logAlphaBar = -Exponentials.SoftPlus(-logSnr);
        if (upper == 0) return Exponentials.Expm1(logAlphaBar) / Exponentials.Expm1(end);
        var start = _logAlphaBar[upper - 1];
        if (double.IsNegativeInfinity(end)) return (Math.Exp(logAlphaBar) - _alphaBar[upper - 1]) / -_alphaBar[upper - 1];
        if (Interpolation == LevelInterpolation.LogSnr) return (logSnr - LogSnrOf(start)) / (LogSnrOf(end) - LogSnrOf(start));
        return (Math.Exp(-logSnr / 2) - RatioOf(start)) / (RatioOf(end) - RatioOf(start));
    }

    private int CheckTimestep(int timestep)
    {
        if (timestep < 0 || timestep >= TrainingSteps)
            throw new ArgumentOutOfRangeException(nameof(timestep), timestep, $"This schedule has the timesteps 0 … {TrainingSteps - 1}.");
        return timestep;
    }

    private static double LogSnrOf(double logAlphaBar) => logAlphaBar - Math.Log(-Exponentials.Expm1(logAlphaBar));

    private static double RatioOf(double logAlphaBar) => Math.Exp(-LogSnrOf(logAlphaBar) / 2);
}
