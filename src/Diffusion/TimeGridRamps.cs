namespace Diffusion;

/// <summary>The grids that space their steps in noise.</summary>
public sealed partial class TimeGrid
{
    /// <summary>Equal distances in log-SNR, where solvers of the exponential-integrator family are at their best. (Lu et al. 2022, "uniform λ")</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="from">The first time; where α = 0 there is no log-SNR, so give less than 1 there.</param>
    /// <param name="to">The time of the last evaluation, positive wherever the schedule is clean at 0.</param>
    /// <exception cref="ArgumentException">The log-SNR at an end is infinite.</exception>
    public static TimeGrid LogSnr(NoiseSchedule schedule, int steps, double from = 1, double to = 1e-3)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        var (first, last) = (schedule.At(from).LogSnr, schedule.At(to).LogSnr);
        if (!double.IsFinite(first) || !double.IsFinite(last))
            throw new ArgumentException($"The log-SNR runs from {first} (t = {from}) to {last} (t = {to}); both ends must be finite.", nameof(from));
        return FromTimes(schedule, Ramp(steps, i => i == 0 ? from : i == 1 ? to : schedule.TimeAtLogSnr(first + (last - first) * i)));
    }

    /// <summary>σ/α on the ρ ramp of Karras et al. 2022, eq. 5: (σ_max^{1/ρ} + i/(n−1)·(σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="rho">ρ, positive; 7 in the paper.</param>
    /// <param name="sigmaMin">σ/α of the last evaluation; the schedule's at t = 0, or at t = 0.001 where it is clean at 0.</param>
    /// <param name="sigmaMax">σ/α of the first evaluation; the schedule's at t = 1.</param>
    /// <exception cref="ArgumentException">An end is not positive and finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never reaches an end, or ρ is not positive.</exception>
    public static TimeGrid Karras(NoiseSchedule schedule, int steps, double rho = 7, double? sigmaMin = null, double? sigmaMax = null)
    {
        CheckRho(rho);
        return Ramp(schedule, steps, sigmaMin, sigmaMax, (max, min, i) =>
        {
            var (a, b) = (Math.Pow(max, 1 / rho), Math.Pow(min, 1 / rho));
            return Math.Pow(a + (b - a) * i, rho);
        });
    }

    /// <summary>Equal distances in ln(σ/α) between two levels: a geometric ladder. The same spacing as <see cref="LogSnr"/>, with ends given as σ/α.</summary>
    /// <inheritdoc cref="Karras" path="/param|/exception"/>
    public static TimeGrid Exponential(NoiseSchedule schedule, int steps, double? sigmaMin = null, double? sigmaMax = null) => PolyExponential(schedule, steps, 1, sigmaMin, sigmaMax);

    /// <summary>ln(σ/α) on a ramp of power ρ: ln σ_min + (1 − i/(n−1))^ρ·(ln σ_max − ln σ_min), with more steps at the clean end for ρ above 1. (Crowson, k-diffusion)</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="rho">ρ, positive; 1 is <see cref="Exponential"/>.</param>
    /// <param name="sigmaMin">σ/α of the last evaluation; the schedule's at t = 0, or at t = 0.001 where it is clean at 0.</param>
    /// <param name="sigmaMax">σ/α of the first evaluation; the schedule's at t = 1.</param>
    /// <inheritdoc cref="Karras" path="/exception"/>
    public static TimeGrid PolyExponential(NoiseSchedule schedule, int steps, double rho, double? sigmaMin = null, double? sigmaMax = null)
    {
        CheckRho(rho);
        return Ramp(schedule, steps, sigmaMin, sigmaMax, (max, min, i) => min * Math.Pow(max / min, Math.Pow(1 - i, rho)));
    }

    /// <summary>A grid through given noise levels.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="noiseToSignal">σ/α where the denoiser is asked, positive.</param>
    /// <param name="final">σ/α where the last step ends; 0, clean data, by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never has one of the levels.</exception>
    /// <exception cref="ArgumentException">No level was given.</exception>
    public static TimeGrid FromNoiseToSignal(NoiseSchedule schedule, ReadOnlySpan<double> noiseToSignal, double final = 0)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (!(final >= 0)) throw new ArgumentOutOfRangeException(nameof(final), final, "The last σ/α must be at least 0.");
        var points = new NoisePoint[noiseToSignal.Length];
        for (var i = 0; i < points.Length; i++) points[i] = schedule.AtNoiseToSignal(noiseToSignal[i]);
        return FromPoints(schedule, points, final == 0 ? schedule.Clean : schedule.AtNoiseToSignal(final));
    }

    private static void CheckRho(double rho)
    {
        if (!(rho > 0) || !double.IsFinite(rho)) throw new ArgumentOutOfRangeException(nameof(rho), rho, "ρ must be positive and finite.");
    }

    // A curve from the largest to the smallest level; the ends are exactly the levels that were given, or the schedule's own.
    private static TimeGrid Ramp(NoiseSchedule schedule, int steps, double? sigmaMin, double? sigmaMax, Func<double, double, double, double> curve)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        NoiseLevel? first = sigmaMax is null ? schedule.At(1) : null, last = sigmaMin is null ? schedule.At(schedule.At(0).IsClean ? 1e-3 : 0) : null;
        var (max, min) = (sigmaMax ?? first!.Value.NoiseToSignal, sigmaMin ?? last!.Value.NoiseToSignal);
        if (!(min > 0) || !double.IsFinite(max) || !(max >= min))
            throw new ArgumentException($"The ramp runs from σ/α = {max} to {min}; both must be positive and finite, the first the larger. Where α = 0 at t = 1, give sigmaMax.", nameof(sigmaMax));
        var points = new NoisePoint[steps];
        for (var i = 0; i < steps; i++)
            points[i] = i == 0 ? first ?? schedule.AtNoiseToSignal(max)
                : i == steps - 1 ? last ?? schedule.AtNoiseToSignal(min)
                : schedule.AtNoiseToSignal(curve(max, min, (double)i / (steps - 1)));
        return FromPoints(schedule, points);
    }
}
