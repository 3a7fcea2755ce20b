namespace Diffusion.Training;

/// <summary>
/// Which noise levels training looks at: a distribution of times in [0, 1], given by its quantiles so that spreading a batch evenly
/// (<see cref="Stratified"/>, <see cref="Antithetic"/>) works for every distribution. Immutable and thread-safe.
/// </summary>
public abstract class TimeDistribution
{
    /// <summary>The time at a quantile.</summary>
    /// <param name="quantile">In (0, 1): a uniform number gives a time of this distribution. Need not be rising.</param>
    /// <param name="schedule">The schedule that times are of.</param>
    public abstract double TimeAt(double quantile, NoiseSchedule schedule);

    /// <summary>The times of one batch; by default independent of each other.</summary>
    /// <param name="count">Number of samples, at least 0.</param>
    /// <param name="schedule">The schedule that times are of.</param>
    /// <param name="noise">Where random numbers come from.</param>
    public virtual double[] Draw(int count, NoiseSchedule schedule, NoiseSource noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(noise);
        var times = new double[count];
        for (var i = 0; i < count; i++) times[i] = TimeAt(Inside(noise.NextDouble()), schedule);
        return times;
    }

    /// <summary>Uniform on an interval.</summary>
    /// <param name="minimum">In [0, 1). Where α or σ reaches 0 at an end and the loss is undefined there, keep away from it: 1e-3 is usual.</param>
    /// <param name="maximum">In (minimum, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is empty or leaves [0, 1].</exception>
    public static TimeDistribution Uniform(double minimum = 0, double maximum = 1)
    {
        if (!(minimum >= 0 && minimum < 1)) throw new ArgumentOutOfRangeException(nameof(minimum), minimum, "The least time lies in [0, 1).");
        if (!(maximum > minimum && maximum <= 1)) throw new ArgumentOutOfRangeException(nameof(maximum), maximum, $"The greatest time lies above the least, {minimum}, and is at most 1.");
        return new Quantiles((u, _) => minimum + (maximum - minimum) * u);
    }

    /// <summary>Uniform on the integer timesteps of a discrete schedule: (i + 1)/T for i = 0 … T − 1. (Ho et al. 2020)</summary>
    /// <param name="trainingSteps">T, at least 1; that of the schedule.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="trainingSteps"/> is less than 1.</exception>
    public static TimeDistribution Timesteps(int trainingSteps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainingSteps, 1);
        return new Quantiles((u, _) => (Math.Min(Math.Floor(u * trainingSteps), trainingSteps - 1) + 1) / trainingSteps);
    }

    /// <summary>
    /// Uniform on the levels of a ladder, i/(L − 1) for i = 0 … L − 1: those of <c>TimeGrid.Uniform</c> with as many steps on a schedule that has noise at t = 0. Noise-conditional score networks are
    /// trained at the levels that they are sampled at. (Song and Ermon 2019)
    /// </summary>
    /// <param name="levels">L, at least 2; 10 in the paper, 232 in Song and Ermon 2020.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="levels"/> is less than 2.</exception>
    public static TimeDistribution Ladder(int levels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 2);
        return new Quantiles((u, _) => Math.Min(Math.Floor(u * levels), levels - 1) / (levels - 1));
    }

    /// <summary>
    /// ln(σ/α) normal (Karras et al. 2022, table 1), conditioned on the levels that the schedule has: the tails beyond its ends are cut off, not
    /// heaped up there.
    /// </summary>
    /// <param name="mean">P_mean, finite; −1.2 in the paper.</param>
    /// <param name="deviation">P_std, positive; 1.2 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static TimeDistribution LogNormal(double mean = -1.2, double deviation = 1.2)
    {
        CheckNormal(mean, deviation);
        return new Quantiles((u, schedule) =>
        {
            var (low, high) = (Share(schedule.At(0).LogSnr), Share(schedule.At(1).LogSnr));
            if (!(high > low)) throw new InvalidOperationException($"ln(σ/α) ~ N({mean:g6}, {deviation:g6}²) practically never falls among the levels of {schedule.GetType().Name}.");
            return schedule.TimeAtLogSnr(Math.Clamp(-2 * (mean + deviation * NormalDistribution.Quantile(low + (high - low) * u)), schedule.At(1).LogSnr, schedule.At(0).LogSnr));
        });
        double Share(double logSnr) => NormalDistribution.Cumulative((-0.5 * logSnr - mean) / deviation);
    }

    /// <summary>logit(t) normal: the middle of the path gets most of the attention. (Esser et al. 2024, section 3.1)</summary>
    /// <param name="mean">Finite; above 0 looks more at noise. 0 in the paper.</param>
    /// <param name="deviation">Positive; 1 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static TimeDistribution LogitNormal(double mean = 0, double deviation = 1)
    {
        CheckNormal(mean, deviation);
        return new Quantiles((u, _) => 1 / (1 + Math.Exp(-(mean + deviation * NormalDistribution.Quantile(u)))));
    }

    /// <summary>t = 1 − u − s·(cos²(πu/2) − 1 + u) of a uniform u: the middle for s above 0, the ends for s below. (Esser et al. 2024, eq. 20)</summary>
    /// <param name="scale">s, in [−1, 2/(π − 2)] (about 1.75), where it rises; 1.29 is the paper's best.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is out of its range.</exception>
    public static TimeDistribution Mode(double scale = 1.29)
    {
        if (!(scale >= -1 && scale <= 2 / (Math.PI - 2))) throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale of the mode distribution lies in [−1, 2/(π − 2)].");
        // The quantile of 1 − u, so that times rise with it: the distribution is symmetric.
        return new Quantiles((u, _) => Math.Clamp(u - scale * (Math.Pow(Math.Sin(Math.PI * u / 2), 2) - u), 0, 1));
    }

    /// <summary>The density 2/(π(1 − 2t + 2t²)), for which the log-SNR of rectified flow is distributed as that of the cosine schedule: t = 1 − 1/(tan(πu/2) + 1). (Esser et al. 2024, eq. 21)</summary>
    public static TimeDistribution CosMap() => new Quantiles((u, _) => 1 - 1 / (Math.Tan(Math.PI * u / 2) + 1));

    /// <summary>
    /// t = σ/(1 + σ) with ln σ normal: EDM's noise levels on the path of rectified flow, and so the same as <see cref="LogitNormal"/> with that mean and deviation. (Lipman et al. 2024, "skewed")
    /// </summary>
    /// <param name="mean">Finite; −1.2 in the paper, which looks more at the data.</param>
    /// <param name="deviation">Positive; 1.2 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static TimeDistribution Skewed(double mean = -1.2, double deviation = 1.2) => LogitNormal(mean, deviation);

    /// <summary>Some times and no other, each as often as the next: a single 1 trains a model of one step.</summary>
    /// <param name="times">At least one, in [0, 1].</param>
    /// <exception cref="ArgumentException">No time was given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time lies outside [0, 1].</exception>
    public static TimeDistribution Among(params ReadOnlySpan<double> times)
    {
        if (times.IsEmpty) throw new ArgumentException("No time was given; at least one is needed.", nameof(times));
        foreach (var time in times)
            if (!(time >= 0 && time <= 1)) throw new ArgumentOutOfRangeException(nameof(times), time, "A time lies in [0, 1].");
        var all = times.ToArray();
        return new Quantiles((u, _) => all[Math.Min((int)(u * all.Length), all.Length - 1)]);
    }

    /// <summary>A distribution of your own, by its quantile function.</summary>
    /// <param name="quantiles">The time in [0, 1] at a quantile in (0, 1).</param>
    public static TimeDistribution Of(Func<double, double> quantiles)
    {
        ArgumentNullException.ThrowIfNull(quantiles);
        return new Quantiles((u, _) => quantiles(u));
    }

    /// <summary>The same distribution with each batch spread over it: one sample in each of as many equal shares as the batch has samples, in random order.</summary>
    public TimeDistribution Stratified() => new SpreadTimes(this, oneOffset: false);

    /// <summary>
    /// The same distribution with each batch spread over it at equal distances from one random offset: the loss varies least from batch to
    /// batch. (Kingma et al. 2021, appendix I)
    /// </summary>
    public TimeDistribution Antithetic() => new SpreadTimes(this, oneOffset: true);

    /// <summary>
    /// The same distribution moved towards noise: σ/α is multiplied by a factor, t′ = st/(1 + (s − 1)t) on rectified flow. For large images, whose noise hides less; the schedules' shift for a resolution
    /// gives the factor. (Esser et al. 2024, eq. 23)
    /// </summary>
    /// <param name="shift">s, positive; 3 for images of 1024².</param>
    /// <remarks>The schedule must have the shifted levels: rectified flow has all.</remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shift"/> is not positive and finite.</exception>
    public TimeDistribution Shifted(double shift)
    {
        if (!(shift > 0) || !double.IsFinite(shift)) throw new ArgumentOutOfRangeException(nameof(shift), shift, "A shift is a positive, finite factor of σ/α.");
        return new ShiftedTimes(this, 2 * Math.Log(shift));
    }

    /// <summary>
    /// Importance sampling: the same loss in expectation, from times that are drawn more often where it varies more and count less there. The least variance is had with shares in proportion to the
    /// root of the mean squared loss. (Nichol and Dhariwal 2021, section 3.3)
    /// </summary>
    /// <param name="shares">For each of as many equal parts of this distribution (of its quantiles), in order of time, how often to draw from it; not negative, scaled to sum 1.</param>
    /// <param name="uniform">The part of draws that ignores the shares, in (0, 1], so that none is never looked at. 0.001 in the paper.</param>
    /// <exception cref="ArgumentException">A share is negative or not finite, or all are 0.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="uniform"/> is out of its range.</exception>
    public TimeDistribution WithImportance(ReadOnlySpan<double> shares, double uniform = 0.001) => new ImportanceTimes(this, shares, uniform);

    /// <summary>The times of one batch with the weight of each in the loss: 1, unless importance sampling has to be made up for.</summary>
    /// <inheritdoc cref="Draw" path="/param"/>
    public virtual (double Time, double Weight)[] DrawWeighted(int count, NoiseSchedule schedule, NoiseSource noise) => Array.ConvertAll(Draw(count, schedule, noise), time => (time, 1.0));

    /// <summary>The weight of a sample whose time is that of a quantile.</summary>
    internal virtual double WeightAt(double quantile) => 1;

    /// <summary>Keeps a uniform number of [0, 1) inside (0, 1), where every quantile is finite.</summary>
    internal static double Inside(double uniform) => Math.Clamp(uniform, 1.0 / (1L << 54), 1 - 1.0 / (1L << 53));

    private static void CheckNormal(double mean, double deviation)
    {
        if (!double.IsFinite(mean)) throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean must be finite.");
        if (!(deviation > 0) || !double.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The standard deviation must be positive and finite.");
    }

    private sealed class Quantiles(Func<double, NoiseSchedule, double> time) : TimeDistribution
    {
        public override double TimeAt(double quantile, NoiseSchedule schedule)
        {
            ArgumentNullException.ThrowIfNull(schedule);
            if (!(quantile > 0 && quantile < 1)) throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "A quantile lies between 0 and 1.");
            return time(quantile, schedule);
        }
    }
}
