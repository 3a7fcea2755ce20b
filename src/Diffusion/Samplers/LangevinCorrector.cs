namespace Diffusion.Samplers;

/// <summary>
/// Langevin steps that leave the noise level as it is: x ← x + ε·∇ln p + √(2ε)·z, which draw a state towards the marginal that the predictor has missed.
/// Immutable. (Song et al. 2021, algorithms 4 and 5)
/// </summary>
/// <remarks>
/// The published step sizes are not small: on exact scores <see cref="SignalToNoise"/> settles at 1 + r² times the right variance, 1.0256 for r = 0.16.
/// </remarks>
public sealed class LangevinCorrector
{
    private readonly Func<SamplerStep, Tensor, Tensor, Tensor> _size; // from the step, the score and the noise

    private LangevinCorrector(double ratio, int steps, Func<SamplerStep, Tensor, Tensor, Tensor> size)
    {
        Ratio = ratio;
        Steps = steps;
        _size = size;
    }

    /// <summary>r.</summary>
    public double Ratio { get; }

    /// <summary>Number of steps at each level.</summary>
    public int Steps { get; }

    /// <summary>ε = 2a²·(r·‖z‖/‖∇ln p‖)² with a = α_t/α_s of the step that follows, 1 for variance exploding.</summary>
    /// <param name="ratio">r, positive; 0.16 for CIFAR-10 in the paper.</param>
    /// <param name="steps">Steps at each level, at least 1; 1 in the paper.</param>
    /// <param name="perSample">
    /// Whether each sample has its own norms, so that it does not depend on the batch. As published, norms are averaged over the batch, which is steadier where
    /// a sample has few numbers.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static LangevinCorrector SignalToNoise(double ratio = 0.16, int steps = 1, bool perSample = false)
    {
        Check(ratio, steps);
        return new LangevinCorrector(ratio, steps, (step, score, noise) =>
        {
            Tensor Norm(Tensor t)
            {
                var norms = t.flatten(1).square().sum(1).sqrt(); // [batch]
                return perSample ? norms.view([t.shape[0], .. Enumerable.Repeat(1L, (int)t.dim() - 1)]) : norms.mean();
            }

            return Norm(noise).div_(Norm(score)).square().mul_(2 * Math.Pow(ratio * Shrinkage(step), 2));
        });
    }

    /// <summary>ε = 2a²·(r·σ)²: annealed Langevin dynamics with a step size that the level alone sets.</summary>
    /// <param name="ratio">r, positive; 0.16 for CIFAR-10 in the paper.</param>
    /// <param name="steps">Steps at each level, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static LangevinCorrector Annealed(double ratio = 0.16, int steps = 1)
    {
        Check(ratio, steps);
        return new LangevinCorrector(ratio, steps, (step, score, _) => full(1, 2 * Math.Pow(ratio * step.From.Sigma * Shrinkage(step), 2), score.dtype, score.device));
    }

    /// <summary>The corrected state, fresh; intermediate tensors are left to the step's scope.</summary>
    internal Tensor Correct(SamplerStep step, Tensor x)
    {
        if (x.dim() < 2)
            throw new ArgumentException($"The state has shape [{string.Join(", ", x.shape)}]; a corrector needs [batch, …], to take norms over all but the batch.", nameof(x));
        for (var i = 0; i < Steps; i++)
        {
            var score = step.Denoise(x).ScoreAt(x, step.From);
            var noise = step.Noise(x);
            var size = _size(step, score, noise);
            x = x.addcmul(score, size, 1).addcmul_(noise, size.mul(2).sqrt_(), 1);
        }

        return x;
    }

    private static double Shrinkage(SamplerStep step) => step.From.Alpha / step.To.Alpha;

    private static void Check(double ratio, int steps)
    {
        if (!(ratio > 0) || !double.IsFinite(ratio)) throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "The signal-to-noise ratio of a corrector must be positive and finite.");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
    }
}
