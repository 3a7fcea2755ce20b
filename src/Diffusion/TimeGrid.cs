using System.Collections;

namespace Diffusion;

/// <summary>
/// The steps of a run, in order. By default a step ends where the next begins and the run ends at the clean estimate. Equal and rising
/// levels are allowed (inversion, resampling); a sampler that needs descent says so. Immutable; plain numbers.
/// </summary>
public sealed class TimeGrid : IReadOnlyList<GridStep>
{
    private readonly GridStep[] _steps;

    /// <summary>A grid of given steps: for what the named grids cannot say.</summary>
    /// <param name="schedule">The schedule that the levels belong to.</param>
    /// <param name="steps">At least one step, none of them asking a denoiser at a clean state.</param>
    /// <exception cref="ArgumentException">There is no step, or one starts at σ = 0, where no denoiser is defined.</exception>
    public TimeGrid(NoiseSchedule schedule, params ReadOnlySpan<GridStep> steps)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (steps.IsEmpty) throw new ArgumentException("A time grid needs at least one step.", nameof(steps));
        for (var i = 0; i < steps.Length; i++)
            if (!(steps[i].At.Level.Sigma > 0))
                throw new ArgumentException($"Step {i} starts at σ = {steps[i].At.Level.Sigma}: a denoiser is asked only where there is noise.", nameof(steps));
        Schedule = schedule;
        _steps = steps.ToArray();
        for (var i = 0; i + 1 < _steps.Length; i++)
            if (_steps[i].ToLabel is null && _steps[i + 1].At is { Label: { } label } next && next.Level == _steps[i].To)
                _steps[i] = _steps[i] with { ToLabel = label };
    }

    /// <summary>The schedule that the levels belong to.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>Number of steps.</summary>
    public int Count => _steps.Length;

    /// <summary>The level that the run starts from.</summary>
    public NoiseLevel Start => _steps[0].At.Level;

    /// <summary>The level that the run ends at.</summary>
    public NoiseLevel End => _steps[^1].To;

    /// <summary>A step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step.</exception>
    public GridStep this[int index] => (uint)index < (uint)_steps.Length
        ? _steps[index]
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"This grid has the steps 0 … {_steps.Length - 1}.");

    /// <summary>A grid through given levels, from first to last, then to a final level.</summary>
    /// <param name="schedule">The schedule that the levels belong to.</param>
    /// <param name="points">Where the denoiser is asked.</param>
    /// <param name="final">Where the last step ends; clean data if null.</param>
    /// <inheritdoc cref="TimeGrid(NoiseSchedule, ReadOnlySpan{GridStep})" path="/exception"/>
    public static TimeGrid FromPoints(NoiseSchedule schedule, ReadOnlySpan<NoisePoint> points, NoiseLevel? final = null)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        var steps = new GridStep[points.Length];
        for (var i = 0; i < steps.Length; i++)
            steps[i] = new GridStep(points[i], i + 1 < points.Length ? points[i + 1].Level : final ?? schedule.Clean);
        return new TimeGrid(schedule, steps);
    }

    /// <summary>A grid through given times.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="times">Times in [0, 1] where the denoiser is asked.</param>
    /// <param name="final">Where the last step ends; clean data if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time lies outside [0, 1].</exception>
    /// <inheritdoc cref="TimeGrid(NoiseSchedule, ReadOnlySpan{GridStep})" path="/exception"/>
    public static TimeGrid FromTimes(NoiseSchedule schedule, ReadOnlySpan<double> times, NoiseLevel? final = null)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        var points = new NoisePoint[times.Length];
        for (var i = 0; i < points.Length; i++) points[i] = schedule.At(times[i]);
        return FromPoints(schedule, points, final);
    }

    /// <summary>Times at equal distances. The last evaluation is one step before t = 0, or at t = 0 where the schedule still has noise there.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="from">The first time; 1 by default. Give less where the sampler or the network is undefined on pure noise.</param>
    public static TimeGrid Uniform(NoiseSchedule schedule, int steps, double from = 1)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        var intervals = schedule.At(0).IsClean ? steps : Math.Max(steps - 1, 1);
        return FromTimes(schedule, Interpolate(steps, i => from * (intervals - i) / intervals));
    }

    /// <summary>Equal distances in log-SNR, where solvers of the exponential-integrator family are at their best. (Lu et al. 2022)</summary>
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
        return FromTimes(schedule, Interpolate(steps, i => i == 0 ? from : i == steps - 1 ? to : schedule.TimeAtLogSnr(first + (last - first) * i / (steps - 1))));
    }

    /// <summary>σ/α on the ρ ramp of Karras et al. 2022, eq. 5: (σ_max^{1/ρ} + i/(n−1)·(σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="rho">ρ, positive; 7 in the paper.</param>
    /// <param name="sigmaMin">σ/α of the last evaluation; the schedule's at t = 0, or at t = 0.001 where it is clean at 0.</param>
    /// <param name="sigmaMax">σ/α of the first evaluation; the schedule's at t = 1.</param>
    /// <exception cref="ArgumentException">An end is not positive and finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never reaches an end.</exception>
    public static TimeGrid Karras(NoiseSchedule schedule, int steps, double rho = 7, double? sigmaMin = null, double? sigmaMax = null)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(steps);
        if (!(rho > 0) || !double.IsFinite(rho)) throw new ArgumentOutOfRangeException(nameof(rho), rho, "ρ must be positive and finite.");
        var max = sigmaMax ?? schedule.At(1).NoiseToSignal;
        var min = sigmaMin ?? schedule.At(schedule.At(0).IsClean ? 1e-3 : 0).NoiseToSignal;
        if (!(min > 0) || !double.IsFinite(max) || !(max >= min))
            throw new ArgumentException($"The ramp runs from σ/α = {max} to {min}; both must be positive and finite, the first the larger. Where α = 0 at t = 1, give sigmaMax.", nameof(sigmaMax));
        var (a, b) = (Math.Pow(max, 1 / rho), Math.Pow(min, 1 / rho));
        var points = new NoisePoint[steps];
        for (var i = 0; i < steps; i++)
        {
            var exactEnd = i == 0 && sigmaMax is null ? schedule.At(1) : default(NoiseLevel?);
            points[i] = exactEnd ?? schedule.AtNoiseToSignal(i == 0 ? max : i == steps - 1 ? min : Math.Pow(a + (b - a) * i / (steps - 1), rho));
        }

        return FromPoints(schedule, points);
    }

    /// <inheritdoc/>
    public IEnumerator<GridStep> GetEnumerator() => ((IEnumerable<GridStep>)_steps).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static void CheckSteps(int steps) => ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);

    private static double[] Interpolate(int steps, Func<int, double> time)
    {
        var times = new double[steps];
        for (var i = 0; i < steps; i++) times[i] = time(i);
        return times;
    }
}
