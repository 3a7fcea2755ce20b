namespace Diffusion;

/// <summary>The grids that space their steps in time.</summary>
public sealed partial class TimeGrid
{
    /// <summary>Times at equal distances.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="from">The first time; 1 by default. Give less where the sampler or the network is undefined on pure noise.</param>
    /// <param name="to">The time of the last evaluation; by default one step before t = 0, or t = 0 itself where the schedule still has noise there.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no step, or a time lies outside [0, 1].</exception>
    public static TimeGrid Uniform(NoiseSchedule schedule, int steps, double from = 1, double? to = null)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        var last = to ?? (schedule.At(0).IsClean ? from / steps : 0);
        return FromTimes(schedule, Ramp(steps, i => from + (last - from) * i));
    }

    /// <summary>Equal times after a shift towards noise, which multiplies σ/α by a factor: t' = st/(1 + (s − 1)t) on rectified flow. (Esser et al. 2024, eq. 23)</summary>
    /// <param name="schedule">The schedule. It must reach pure noise, as rectified flow does, or the shift must stay inside it.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="shift">s, positive: 3 for Stable Diffusion 3; above 1 spends more steps on noise.</param>
    /// <param name="from">The first time before the shift; 1 by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">The shift is not positive, or leads to more noise than the schedule has.</exception>
    public static TimeGrid Shifted(NoiseSchedule schedule, int steps, double shift, double from = 1)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        if (!(shift > 0) || !double.IsFinite(shift)) throw new ArgumentOutOfRangeException(nameof(shift), shift, "A shift is a positive, finite factor of σ/α.");
        var times = Ramp(steps, i => from + ((schedule.At(0).IsClean ? from / steps : 0) - from) * i);
        var points = Array.ConvertAll(times, time => (NoisePoint)schedule.AtLogSnr(schedule.At(time).LogSnr - 2 * Math.Log(shift)));
        return FromPoints(schedule, points);
    }

    /// <summary>Times at the quantiles of a beta distribution: dense at both ends for parameters below 1. (Lee et al. 2024)</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="alpha">α of the distribution, positive; 0.6 in the paper.</param>
    /// <param name="beta">β of the distribution, positive; 0.6 in the paper.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The time of the last evaluation, positive wherever the schedule is clean at 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no step, a parameter is not positive, or a time lies outside [0, 1].</exception>
    public static TimeGrid Beta(NoiseSchedule schedule, int steps, double alpha = 0.6, double beta = 0.6, double from = 1, double to = 1e-3)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        if (!(alpha > 0) || !double.IsFinite(alpha)) throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "α of a beta distribution is positive and finite.");
        if (!(beta > 0) || !double.IsFinite(beta)) throw new ArgumentOutOfRangeException(nameof(beta), beta, "β of a beta distribution is positive and finite.");
        return FromTimes(schedule, Ramp(steps, i => to + (from - to) * BetaDistribution.Quantile(1 - i, alpha, beta)));
    }

    private static void CheckSteps(int steps) => ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);

    // A value at each of the places 0, 1/(n − 1), …, 1; a single step has the place 0.
    private static double[] Ramp(int steps, Func<double, double> value)
    {
        var values = new double[steps];
        for (var i = 0; i < steps; i++) values[i] = value(steps == 1 ? 0 : (double)i / (steps - 1));
        return values;
    }
}
