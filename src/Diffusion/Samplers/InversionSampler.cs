namespace Diffusion.Samplers;

/// <summary>
/// DDIM inversion: from data up to the state from which deterministic DDIM on the same grid comes back to it. Give <see cref="Sampler.Sample"/> the data as its start and the grid that will lead down again; the result is the state at
/// the grid's first level. (Song, Meng and Ermon 2021, section 4.3; Mokady et al. 2022)
/// </summary>
/// <remarks>
/// A step down from level t uses the estimate at t, which a step up does not know yet and replaces by that at the level below: coming back errs in proportion to the steps' length. Refinements solve for the state whose
/// step down leads back, by fixed-point iteration; each costs one more evaluation a step. (Pan et al. 2023)
/// </remarks>
public sealed class InversionSampler : Sampler
{
    /// <summary>An inversion.</summary>
    /// <param name="refinements">Iterations of each step after the explicit one, at least 0. 3 to 10 make coming back nearly exact.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="refinements"/> is negative.</exception>
    public InversionSampler(int refinements = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(refinements);
        Refinements = refinements;
    }

    /// <summary>Iterations of each step after the explicit one.</summary>
    public int Refinements { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The grid does not end at clean data, or does not fall.</exception>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        var grid = run.Grid;
        if (!grid.End.IsClean) throw new ArgumentException("An inversion starts at clean data, so the grid must end there.", nameof(run));
        for (var i = 0; i + 1 < grid.Count; i++)
            if (!(grid[i].To.LogSnr > grid[i].At.Level.LogSnr)) throw new ArgumentException($"Step {i} of the grid does not go down; an inversion turns a falling grid round.", nameof(run));
        // From the data to the lowest noisy level, told as a step that stays there since no denoiser is asked at the data.
        var lowest = grid[^1].At;
        var first = new GridStep(lowest, lowest.Level);
        run.Follow(new TimeGrid(grid.Schedule, grid.Count == 1 ? [first] : [first, .. grid.Reversed()]));
        x = run.Advance(first, x, (step, data) => FromData(step, data, grid.End.Alpha));
        for (var i = 1; i < run.Grid.Count; i++) x = run.Step(this, run.Grid[i], x);
        return x;
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var next = step.Denoise(x).Mix(x, from, to.Alpha, to.Sigma);
        // x = α·x̂₀ + σ·ε with the estimate at the upper end: ε = (x − α·x̂₀)/σ, and the same ε leads up.
        for (var i = 0; i < Refinements; i++)
            next = Estimate.Combine(to.Sigma / from.Sigma, x, to.Alpha - to.Sigma * from.Alpha / from.Sigma, step.Denoise(next, step.End).Data);
        return next;
    }

    // The state whose estimate is the data: x ← x + α(x₀ − x̂₀(x)), from α·x₀ on.
    private Tensor FromData(SamplerStep step, Tensor data, double scale)
    {
        var alpha = step.From.Alpha;
        var x = data.mul(alpha / scale);
        for (var i = 0; i <= Refinements; i++) x = x.add(data, alpha: alpha / scale).sub_(step.Denoise(x).Data.mul(alpha));
        return x;
    }
}
