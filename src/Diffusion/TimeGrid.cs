using System.Collections;

namespace Diffusion;

/// <summary>
/// The steps of a run, in order. By default a step ends where the next begins and the run ends at the clean estimate. Equal and rising
/// levels are allowed (inversion, resampling); a sampler that needs descent says so. Immutable; plain numbers.
/// </summary>
public sealed partial class TimeGrid : IReadOnlyList<GridStep>
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

    /// <summary>The same steps with another end: σ_min in place of clean data, for example.</summary>
    /// <param name="final">Where the last step ends.</param>
    public TimeGrid EndingAt(NoiseLevel final)
    {
        var steps = _steps.ToArray();
        steps[^1] = steps[^1] with { To = final, ToLabel = null };
        return new TimeGrid(Schedule, steps);
    }

    /// <summary>The grid without its first steps: for starting from data that is noised to the level of a later one.</summary>
    /// <param name="count">How many steps to leave out; at least one must stay.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or leaves no step.</exception>
    public TimeGrid Skip(int count)
    {
        if (count < 0 || count >= Count) throw new ArgumentOutOfRangeException(nameof(count), count, $"This grid has {Count} steps; 0 … {Count - 1} of them can be left out.");
        return new TimeGrid(Schedule, _steps.AsSpan(count));
    }

    /// <summary>
    /// The levels of the grid from the last to the first: from data up to noise, for inversion. Each step goes from one level to the next noisier one, and the
    /// denoiser is asked at the cleaner of them.
    /// </summary>
    /// <exception cref="InvalidOperationException">The grid has a single step, so that there is no way between two noisy levels.</exception>
    public TimeGrid Reversed()
    {
        if (Count < 2) throw new InvalidOperationException("A grid of one step has no two noisy levels to go between; make it of more steps.");
        var steps = new GridStep[Count - 1];
        for (var i = 0; i < steps.Length; i++) steps[i] = new GridStep(_steps[Count - 1 - i].At, _steps[Count - 2 - i].At.Level) { ToLabel = _steps[Count - 2 - i].At.Label };
        return new TimeGrid(Schedule, steps);
    }

    /// <summary>
    /// The same signal-to-noise ratios on another schedule; labels stay. The ladder of one process is so walked with another, for example that of the
    /// variance-preserving process with an EDM model.
    /// </summary>
    /// <param name="schedule">The other schedule.</param>
    /// <exception cref="ArgumentOutOfRangeException">The other schedule never has one of the ratios.</exception>
    public TimeGrid On(NoiseSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        NoiseLevel Same(NoiseLevel level) => level.IsClean ? schedule.Clean : schedule.AtLogSnr(level.LogSnr);
        return new TimeGrid(schedule, Array.ConvertAll(_steps, step => new GridStep(step.At with { Level = Same(step.At.Level) }, Same(step.To)) { ToLabel = step.ToLabel }));
    }

    /// <inheritdoc/>
    public IEnumerator<GridStep> GetEnumerator() => ((IEnumerable<GridStep>)_steps).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
