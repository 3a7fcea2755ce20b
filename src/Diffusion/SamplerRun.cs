using System.Diagnostics;

namespace Diffusion;

/// <summary>One run of a sampler: owns scopes, history, callbacks and cancellation, so that a formula need not.</summary>
public sealed class SamplerRun
{
    private readonly SamplingHooks? _hooks;
    private readonly CancellationToken _cancellation;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly List<StepRecord> _history = [];
    private readonly int _historyLength;
    private Tensor? _owned; // the state that the last step returned
    private int _steps;
    private int _evaluations;

    internal SamplerRun(IDenoiser denoiser, TimeGrid grid, NoiseSource noise, SamplingHooks? hooks, int historyLength, CancellationToken cancellation)
    {
        Denoiser = denoiser;
        Grid = grid;
        Noise = noise;
        _hooks = hooks;
        _historyLength = historyLength;
        _cancellation = cancellation;
    }

    /// <summary>The denoiser of this run.</summary>
    public IDenoiser Denoiser { get; }

    /// <summary>The grid.</summary>
    public TimeGrid Grid { get; private set; }

    /// <summary>Where noise comes from.</summary>
    public NoiseSource Noise { get; }

    /// <summary>Evaluations of the denoiser so far.</summary>
    public int Evaluations => _evaluations;

    /// <summary>What earlier steps recorded, newest first.</summary>
    public IReadOnlyList<StepRecord> History => _history;

    /// <summary>Named tensors of this run.</summary>
    public StepCarry Carry { get; } = new();

    /// <summary>Runs one step of any sampler, with its scope, callbacks and cancellation; so samplers can wrap samplers.</summary>
    /// <param name="sampler">Whose formula to use.</param>
    /// <param name="step">From where to where.</param>
    /// <param name="x">The state; freed by this call if an earlier step of this run returned it.</param>
    /// <returns>The state after the step, owned by the run.</returns>
    public Tensor Step(Sampler sampler, GridStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        return Advance(step, x, sampler.Take);
    }

    /// <summary>Runs one step of a given formula: for solvers that choose their steps themselves.</summary>
    /// <param name="step">From where to where.</param>
    /// <param name="x">The state; freed by this call if an earlier step of this run returned it.</param>
    /// <param name="formula">Borrows the state and returns a fresh one, or the state itself to stay where it is (a rejected trial).</param>
    /// <returns>The state after the step, owned by the run.</returns>
    public Tensor Advance(GridStep step, Tensor x, Func<SamplerStep, Tensor, Tensor> formula)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(formula);
        _cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var current = new SamplerStep(this, step, _steps);
        var next = formula(current, x);
        if (_hooks?.AfterStep is { } change) next = change(current, next);
        if (_historyLength > 0 && current.First is { } first) Record(new StepRecord(step.At, first.State, first.Estimate, current.Kept));
        _steps++;
        _hooks?.OnStep?.Invoke(current, next, current.Seen);
        _hooks?.Progress?.Report(new SamplingProgress(_steps, Total, step.To.LogSnr, _evaluations, Stopwatch.GetElapsedTime(_started)));
        if (ReferenceEquals(next, x)) return x;
        next.MoveToOuterDisposeScope();
        if (ReferenceEquals(_owned, x)) x.Dispose();
        _owned = next;
        return next;
    }

    /// <summary>The estimate at a state, outside any step.</summary>
    public Estimate Evaluate(Tensor x, NoisePoint at)
    {
        _evaluations++;
        return Denoiser.Denoise(x, at);
    }

    /// <summary>Forgets the history and what the sampler carries: they no longer lie on the path (after a jump back).</summary>
    public void ForgetHistory()
    {
        foreach (var record in _history) record.Release();
        _history.Clear();
        Carry.Clear();
    }

    /// <summary>Takes another grid for the rest of the run: for samplers that lay out their own steps around another sampler's, which then finds them in <see cref="SamplerStep.Grid"/>.</summary>
    /// <param name="grid">The grid, on the schedule of the run.</param>
    public void Follow(TimeGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        Grid = grid;
        Total = grid.Count;
    }

    /// <summary>How many steps the run will have, where that is known; the grid's length unless a sampler says otherwise.</summary>
    public int? Total { get; set; }

    internal void Release() => ForgetHistory();

    private void Record(StepRecord record)
    {
        _history.Insert(0, record);
        if (_history.Count <= _historyLength) return;
        _history[^1].Release();
        _history.RemoveAt(_history.Count - 1);
    }
}
