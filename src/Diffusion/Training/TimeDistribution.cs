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
