namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver-fast: a number of evaluations spent on equal steps in log-SNR of the single-step solver, of order 3 as long as they last and of lower order at the end.
/// Of the grid only the two ends are used. (Lu et al. 2022, section 3.4; ancestral noise as in k-diffusion)
/// </summary>
/// <remarks>Where the grid ends at clean data, the steps end at its last noisy level and one more evaluation gives the answer.</remarks>
public sealed class DpmFastSampler : Sampler
{
    private readonly double _eta;
    private readonly double _noiseScale;
    private readonly int[] _orders;

    /// <summary>The sampler with a number of evaluations.</summary>
    /// <param name="evaluations">At least 1.</param>
    /// <param name="eta">η, at least 0: 0 is deterministic, 1 ancestral.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public DpmFastSampler(int evaluations, double eta = 0, double noiseScale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(evaluations, 1);
        (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);
        var thirds = evaluations / 3;
        _orders = evaluations % 3 == 0
            ? [.. Enumerable.Repeat(3, thirds - 1), 2, 1]
            : [.. Enumerable.Repeat(3, thirds), evaluations % 3];
        Evaluations = evaluations;
    }

    /// <summary>The number of evaluations before the one that a clean end needs.</summary>
    public int Evaluations { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The grid starts or ends at pure noise, where log-SNR is infinite.</exception>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        var (start, end) = LogSnrEnds.Of(run.Grid);
        var clean = run.Grid.End.IsClean;
        run.Total = _orders.Length + (clean ? 1 : 0);
        var at = start;
        for (var i = 0; i < _orders.Length; i++)
        {
            NoisePoint next = i + 1 == _orders.Length ? end : run.Grid.Schedule.BetweenLogSnr(start.Level, end.Level, (i + 1.0) / _orders.Length);
            x = run.Step(this, new GridStep(at, next.Level) { ToLabel = next.Label }, x);
            at = next;
        }

        return clean ? run.Step(this, new GridStep(end, run.Grid.End), x) : x;
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var (down, deviation) = AncestralSplit.Of(from, to, _eta).NoCleanerThan(to, LogSnrEnds.Of(step.Grid).End.Level);
        var e0 = LinearForm.Noise(step.Denoise(x), x, from);
        var next = _orders[Math.Min(step.Index, _orders.Length - 1)] switch
        {
            1 => NoiseAxis.Move(x, from, down, e0),
            2 => DpmSolverStep.Second(x, from, down, 0.5, e0, DpmSolverStep.Inner(step, x, from, down, 0.5, e0)),
            _ => DpmSolverStep.Third(step, x, from, down, e0),
        };
        if (deviation > 0) next.Add(deviation * _noiseScale, step.NoiseBetween(x, from, to));
        return next.Evaluate();
    }
}
