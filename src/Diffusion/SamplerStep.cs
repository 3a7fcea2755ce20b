namespace Diffusion;

/// <summary>What a sampler's formula may use in one step. Lives as long as the step.</summary>
public sealed class SamplerStep
{
    private readonly SamplerRun _run;
    private readonly GridStep _grid;
    private Estimate? _reported;

    internal SamplerStep(SamplerRun run, GridStep grid, int index)
    {
        _run = run;
        _grid = grid;
        Index = index;
    }

    /// <summary>Steps of the run before this one.</summary>
    public int Index { get; }

    /// <summary>The grid of the run; a formula may look ahead (lower orders near the end).</summary>
    public TimeGrid Grid => _run.Grid;

    /// <summary>Where the denoiser is asked.</summary>
    public NoisePoint At => _grid.At;

    /// <summary>The level of the state.</summary>
    public NoiseLevel From => _grid.At.Level;

    /// <summary>The level that the step goes to.</summary>
    public NoiseLevel To => _grid.To;

    /// <summary>The end of the step as a point to ask at: with the label that the grid fixes there, if any.</summary>
    public NoisePoint End => new(_grid.To, _grid.ToLabel);

    /// <summary>What earlier steps recorded, newest first; as many as the sampler's history length, fewer at the start of a run.</summary>
    public IReadOnlyList<StepRecord> History => _run.History;

    /// <summary>Named tensors of this run.</summary>
    public StepCarry Carry => _run.Carry;

    /// <summary>The first estimate of this step, and the state it was made from, which become its record.</summary>
    internal (Tensor State, Estimate Estimate)? First { get; private set; }

    /// <summary>What <see cref="Keep"/> was given, which becomes part of the step's record.</summary>
    internal Tensor? Kept { get; private set; }

    /// <summary>Makes a tensor part of this step's record, where later steps find it as <see cref="StepRecord.Kept"/>: what a multistep formula would otherwise form again.</summary>
    public void Keep(Tensor value) => Kept = value;

    /// <summary>The estimate that callers see.</summary>
    internal Estimate? Seen => _reported ?? First?.Estimate;

    /// <summary>Shows callers another estimate of this step than its first one, where a formula comes to another.</summary>
    public void Report(Estimate estimate) => _reported = estimate;

    /// <summary>The estimate at the step's own level. The first one of a step is what history records.</summary>
    public Estimate Denoise(Tensor x) => Denoise(x, At);

    /// <summary>The estimate at another level, for methods that evaluate inside a step.</summary>
    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        var estimate = _run.Evaluate(x, at);
        First ??= (x, estimate);
        return estimate;
    }

    /// <summary>Takes an estimate that an earlier trial of this step made at the same state for its first one, without asking again.</summary>
    internal Estimate Reuse(Tensor x, Estimate estimate)
    {
        First ??= (x, estimate);
        return estimate;
    }

    /// <summary>Standard normal noise of the shape of a tensor.</summary>
    public Tensor Noise(Tensor like) => _run.Noise.NextLike(like);

    /// <summary>Standard normal noise of the part of the path between two levels: the same path for every number of steps where the source is Brownian.</summary>
    public Tensor NoiseBetween(Tensor like, NoiseLevel from, NoiseLevel to) => _run.Noise.Between(like, from, to);
}
