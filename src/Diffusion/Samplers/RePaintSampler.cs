namespace Diffusion.Samplers;

/// <summary>
/// Inpainting by replacement with resampling: every few steps it adds noise back and walks the stretch again, so that the unknown pixels come to agree with the known ones. The known pixels come
/// back exactly as given. (Lugmayr et al. 2022, algorithm 1 and appendix B)
/// </summary>
/// <remarks>
/// The jumps are laid out as in the authors' program: with N steps, at each level j = 0, J, 2J, … below N − J above the last, J levels up and down again, n − 1 times. Known pixels are replaced after each step
/// down, as in the paper. With n = 1 it is <see cref="ReplacementSampler"/>. Of the other sampler the single steps are used, so it must not be one that chooses its own; after
/// each jump it begins anew, without history. Give it a noise source that draws afresh, not a Brownian one.
/// </remarks>
public sealed class RePaintSampler : Sampler
{
    private readonly Sampler _inner;
    private readonly KnownPixels _known;

    /// <summary>A sampler that inpaints.</summary>
    /// <param name="inner">Whose steps are taken; <see cref="DdpmSampler"/> in the paper.</param>
    /// <param name="image">The image [batch, …] of the shape, type and device of the state; what it holds at unknown pixels does not count. Borrowed.</param>
    /// <param name="known">Bool, true where the image is given; of the image's shape, or with lengths of 1 that stand for all. Borrowed.</param>
    /// <param name="jumpLength">J, how many steps a jump goes back, at least 1. 10 in the paper.</param>
    /// <param name="resamplings">n, how many times each stretch is walked, at least 1. 10 in the paper.</param>
    /// <exception cref="ArgumentException">The image is not floating, or the mask is not bool or does not fit the image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    public RePaintSampler(Sampler inner, Tensor image, Tensor known, int jumpLength = 10, int resamplings = 10)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfLessThan(jumpLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamplings, 1);
        (_inner, _known, JumpLength, Resamplings) = (inner, new KnownPixels(image, known), jumpLength, resamplings);
    }

    /// <summary>J.</summary>
    public int JumpLength { get; }

    /// <summary>n.</summary>
    public int Resamplings { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => _inner.HistoryLength;

    /// <summary>The steps of a run: those of a grid, and the jumps back, one level a step.</summary>
    /// <param name="grid">The grid without jumps, each of its steps beginning where the one before ends.</param>
    /// <exception cref="ArgumentException">The steps do not join.</exception>
    public TimeGrid Expand(TimeGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        for (var i = 1; i < grid.Count; i++)
            if (grid[i].At.Level != grid[i - 1].To)
                throw new ArgumentException($"Step {i} of the grid does not begin where step {i - 1} ends; jumps need a grid whose steps join.", nameof(grid));
        var steps = new List<GridStep>();
        var visited = Visited(grid.Count);
        for (var k = 0; k + 1 < visited.Count; k++)
        {
            var here = grid[grid.Count - 1 - visited[k]];
            steps.Add(visited[k + 1] < visited[k] ? here : new GridStep(here.At, grid[grid.Count - 1 - visited[k + 1]].At.Level));
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
            var back = step.To.LogSnr < step.At.Level.LogSnr;
            if (back) run.ForgetHistory();
            x = back ? run.Advance(step, x, Back) : run.Step(this, step, x);
        }

        return x;
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x) => _known.Merge(step, _inner.Take(step, x));

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    // The levels that a run visits, counted from the last noisy one; −1 is the end.
    private List<int> Visited(int steps)
    {
        var left = new Dictionary<int, int>();
        for (var j = 0; j < steps - JumpLength; j += JumpLength) left[j] = Resamplings - 1;
        var visited = new List<int>();
        var t = steps;
        while (t >= 1)
        {
            visited.Add(--t);
            if (left.GetValueOrDefault(t) == 0) continue;
            left[t]--;
            for (var up = 0; up < JumpLength; up++) visited.Add(++t);
        }

        visited.Add(-1);
        return visited;
    }

    // The forward process between neighbouring levels.
    private static Tensor Back(SamplerStep step, Tensor x)
    {
        var kernel = new Transition(step.To, step.From);
        return Estimate.Combine(kernel.AlphaRatio, x, Math.Sqrt(kernel.ForwardVariance), step.Noise(x));
    }
}
