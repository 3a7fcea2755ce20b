namespace Diffusion.Denoisers;

/// <summary>
/// Keeps the state of a flow at rest in the first steps, where an estimate is nearly all error: the velocity is 0 and the denoiser is not asked. (Fan et al. 2025, "CFG-Zero*", section 3.2)
/// </summary>
/// <remarks>For schedules whose velocity is finite, such as rectified flow; sampled by a deterministic method in time (on rectified flow every deterministic sampler is one).</remarks>
public sealed class ZeroInit : DenoiserDecorator
{
    private readonly double _logSnr; // asked from here on

    /// <summary>A denoiser that rests for the first steps of a grid.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="grid">The grid of the run.</param>
    /// <param name="steps">For how many of its steps, at least 1 and fewer than it has. 1 in the paper for few steps, 4 % of them otherwise.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many steps.</exception>
    public ZeroInit(IDenoiser inner, TimeGrid grid, int steps = 1) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (steps < 1 || steps >= grid.Count) throw new ArgumentOutOfRangeException(nameof(steps), steps, $"This grid has {grid.Count} steps; at rest can be 1 … {grid.Count - 1} of them.");
        _logSnr = grid[steps].At.Level.LogSnr;
    }

    private ZeroInit(IDenoiser inner, double logSnr) : base(inner) => _logSnr = logSnr;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The level has no slopes, or no finite ones.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        return at.Level.LogSnr < _logSnr ? new Estimate(VelocityUnit.AtRest(x, at.Level)) : Inner[0].Denoise(x, at);
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ZeroInit(inner[0], _logSnr);
}
