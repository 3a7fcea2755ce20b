namespace Diffusion.Samplers;

/// <summary>
/// Annealed Langevin dynamics: at each level of a falling ladder a number of steps x ← x + ε_i·∇ln p + √(2ε_i)·z with ε_i = ε·(σ_i/σ_L)². (Song and Ermon 2019,
/// algorithm 1; Song and Ermon 2020, algorithm 1)
/// </summary>
/// <remarks>
/// For variance-exploding ladders: α must be the same at all levels. <c>TimeGrid.Uniform</c> on a geometric schedule is the published ladder. The ε of the
/// published code is ours; the formula in the first paper has half of it. The published settings do not keep the variance, even with an exact score:
/// on standard normal data the first leaves 1.031, the second 1.139. <see cref="NcsnLadder"/> computes what settings do.
/// </remarks>
public sealed class AnnealedLangevinSampler : Sampler
{
    private readonly bool _denoise;

    /// <summary>Settings of your own.</summary>
    /// <param name="stepsPerLevel">T, at least 1.</param>
    /// <param name="stepSize">ε at the last level, positive.</param>
    /// <param name="denoise">Whether the answer is the estimate of the data at the end, x + σ_L²·∇ln p, or the noisy state.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public AnnealedLangevinSampler(int stepsPerLevel, double stepSize, bool denoise = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerLevel, 1);
        if (!(stepSize > 0) || !double.IsFinite(stepSize)) throw new ArgumentOutOfRangeException(nameof(stepSize), stepSize, "A step size must be positive and finite.");
        StepsPerLevel = stepsPerLevel;
        StepSize = stepSize;
        _denoise = denoise;
    }

    /// <summary>The settings of Song and Ermon 2019 for CIFAR-10: T = 100 and ε = 2·10⁻⁵ on 10 levels from 1 to 0.01, not denoised. They start from uniform noise in [0, 1].</summary>
    public static AnnealedLangevinSampler Ncsn { get; } = new(100, 2e-5, denoise: false);

    /// <summary>The settings of Song and Ermon 2020 for CIFAR-10: T = 5 and ε = 6.2·10⁻⁶ on 232 levels from 50 to 0.01, denoised at the end.</summary>
    public static AnnealedLangevinSampler NcsnV2 { get; } = new(5, 6.2e-6);

    /// <summary>T.</summary>
    public int StepsPerLevel { get; }

    /// <summary>ε.</summary>
    public double StepSize { get; }

    /// <inheritdoc/>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        var grid = run.Grid;
        var last = grid[^1].At.Level;
        foreach (var (at, _) in grid)
            if (at.Level.Alpha != last.Alpha)
                throw new ArgumentException(
                    $"Annealed Langevin dynamics leaves the data's factor as it is, but α runs from {at.Level.Alpha:g6} to {last.Alpha:g6}. Use a variance-exploding "
                    + "schedule, for a model of another kind with RescheduledDenoiser.");
        run.Total = grid.Count * StepsPerLevel + (_denoise ? 1 : 0);
        foreach (var (at, _) in grid)
            for (var i = 0; i < StepsPerLevel; i++)
                x = run.Step(this, new GridStep(at, at.Level), x);
        if (!_denoise) return x;
        return run.Advance(new GridStep(grid[^1].At, grid.Schedule.Clean), x, base.Finish);
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (level, last) = (step.From, step.Grid[^1].At.Level);
        var size = StepSize * Math.Pow(level.Sigma / last.Sigma, 2);
        return new LinearForm { { 1, x }, { -size / level.Sigma, LinearForm.Noise(step.Denoise(x), x, level) }, { Math.Sqrt(2 * size), step.Noise(x) } }.Evaluate();
    }
}
