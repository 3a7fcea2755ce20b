namespace Diffusion.Samplers;

/// <summary>
/// Walks another sampler's grid and, at given levels, adds noise back up to a larger level and walks down again: the noise contracts the errors made so far, while the walks keep
/// the accuracy of the other sampler. (Xu et al. 2023, algorithm 1)
/// </summary>
/// <remarks>
/// Of the other sampler the single steps are used, so it must not be one that chooses its own. After each jump it begins anew, without history. The jumps are steps of the run of
/// their own, seen by callbacks.
/// </remarks>
public sealed class RestartSampler : Sampler
{
    private readonly Sampler _inner;
    private readonly RestartInterval[] _intervals;
    private readonly double _noiseScale;
    private readonly double _rho;

    /// <summary>A sampler and where it restarts.</summary>
    /// <param name="inner">Whose steps are taken; Heun's method in the paper.</param>
    /// <param name="intervals">The stretches, at least one.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <param name="rho">ρ of the ramp of the walks down, positive.</param>
    /// <exception cref="ArgumentException">There is no interval.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public RestartSampler(Sampler inner, IReadOnlyList<RestartInterval> intervals, double noiseScale = 1, double rho = 7)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(intervals);
        if (intervals.Count == 0) throw new ArgumentException("Without an interval there is nothing to restart; give at least one.", nameof(intervals));
        if (!(noiseScale >= 0) || !double.IsFinite(noiseScale)) throw new ArgumentOutOfRangeException(nameof(noiseScale), noiseScale, "The scale of the noise must be finite and at least 0.");
        if (!(rho > 0) || !double.IsFinite(rho)) throw new ArgumentOutOfRangeException(nameof(rho), rho, "ρ must be positive and finite.");
        (_inner, _intervals, _noiseScale, _rho) = (inner, [.. intervals], noiseScale, rho);
    }

    /// <inheritdoc/>
    protected internal override int HistoryLength => _inner.HistoryLength;

    /// <summary>The steps of a run: those of a grid, the jumps up, and the walks down.</summary>
    /// <param name="grid">The grid without restarts.</param>
    /// <exception cref="ArgumentException">An interval begins below the level of the grid that it ends at, or no level of the grid has noise and data.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The schedule does not reach an interval's upper end.</exception>
    public TimeGrid Expand(TimeGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        var after = new List<RestartInterval>[grid.Count];
        foreach (var interval in _intervals) (after[Nearest(grid, interval)] ??= []).Add(interval);
        var steps = new List<GridStep>();
        for (var i = 0; i < grid.Count; i++)
        {
            steps.Add(grid[i]);
            foreach (var interval in after[i] ?? [])
                for (var k = 0; k < interval.Repeats; k++) AddWalk(steps, grid.Schedule, new NoisePoint(grid[i].To, grid[i].ToLabel), interval);
        }

        return new TimeGrid(grid.Schedule, steps.ToArray());
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">As for <see cref="Expand"/>.</exception>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Follow(Expand(run.Grid));
        foreach (var step in run.Grid)
        {
            if (!(step.To.NoiseToSignal > step.At.Level.NoiseToSignal))
            {
                x = run.Step(_inner, step, x);
                continue;
            }

            run.ForgetHistory();
            x = run.Step(this, step, x);
        }

        return x;
    }

    /// <summary>A jump up: the forward process, x̂' = x̂ + √(σ̂'² − σ̂²)·z in x̂ = x/α.</summary>
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var jump = new Transition(step.To, step.From);
        return new LinearForm { { jump.AlphaRatio, x }, { Math.Sqrt(jump.ForwardVariance) * _noiseScale, step.Noise(x) } }.Evaluate();
    }

    // The step whose end is nearest to an interval's lower end, by the ratio of the two.
    private static int Nearest(TimeGrid grid, RestartInterval interval)
    {
        var best = -1;
        double Distance(int i) => Math.Abs(Math.Log(grid[i].To.NoiseToSignal / interval.SigmaMin));
        for (var i = 0; i < grid.Count; i++)
            if (double.IsFinite(Distance(i)) && (best < 0 || Distance(i) < Distance(best))) best = i;
        if (best < 0) throw new ArgumentException("No step of the grid ends at a level with both data and noise, so there is none to restart at.", nameof(grid));
        if (!(grid[best].To.NoiseToSignal < interval.SigmaMax))
            throw new ArgumentException($"A restart goes up to σ/α = {interval.SigmaMax:g6}, but the level of the grid nearest to its lower end {interval.SigmaMin:g6} is {grid[best].To.NoiseToSignal:g6}.", nameof(grid));
        return best;
    }

    private void AddWalk(List<GridStep> steps, NoiseSchedule schedule, NoisePoint low, RestartInterval interval)
    {
        var (a, b) = (Math.Pow(interval.SigmaMax, 1 / _rho), Math.Pow(low.Level.NoiseToSignal, 1 / _rho));
        NoisePoint at = schedule.AtNoiseToSignal(interval.SigmaMax);
        steps.Add(new GridStep(low, at.Level));
        for (var i = 1; i <= interval.Steps; i++)
        {
            var next = i == interval.Steps ? low : schedule.AtNoiseToSignal(Math.Pow(a + (b - a) * i / interval.Steps, _rho));
            steps.Add(new GridStep(at, next.Level) { ToLabel = next.Label });
            at = next;
        }
    }
}
