namespace Diffusion.Evaluation;

/// <summary>
/// The Gaussian that a model takes the state at the noisy end of a schedule to be. The same for every number of a sample. Immutable and thread-safe.
/// </summary>
public sealed class NoisePrior
{
    private readonly Func<NoiseLevel, (double Mean, double Variance)> _moments;

    private NoisePrior(Func<NoiseLevel, (double Mean, double Variance)> moments) => _moments = moments;

    /// <summary>
    /// N(0, σ²), which <see cref="NoiseSchedule.DrawPrior"/> draws: the density of the model that is sampled. What is left of the data (αx₀) is taken to be nothing, which costs about
    /// ½α²x₀²/σ² nats a number.
    /// </summary>
    public static NoisePrior Drawn { get; } = new(static level => (0, level.Sigma * level.Sigma));

    /// <summary>N(0, 1), the prior of the published variational bounds; for schedules with α² + σ² = 1. (Ho et al. 2020)</summary>
    public static NoisePrior StandardNormal { get; } = new(static _ => (0, 1));

    /// <summary>N(αm, α²s² + σ²): the moments that data of a known mean and deviation has at the noisy end, which accounts for what is left of it.</summary>
    /// <param name="mean">m, finite.</param>
    /// <param name="deviation">s, at least 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoisePrior OfData(double mean, double deviation)
    {
        if (!double.IsFinite(mean)) throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean must be finite.");
        if (!(deviation >= 0) || !double.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The standard deviation must be finite and at least 0.");
        return new NoisePrior(level => (level.Alpha * mean, level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma));
    }

    /// <summary>Mean and variance of every number at a level.</summary>
    /// <param name="level">A level with noise.</param>
    public (double Mean, double Variance) At(NoiseLevel level) => _moments(level);

    /// <summary>ln p(x) of a state at a level.</summary>
    /// <param name="x">[batch, …], floating; borrowed.</param>
    /// <param name="level">A level with noise.</param>
    /// <returns>[batch] in float64, nats; fresh in the caller's scope. Differentiable.</returns>
    /// <exception cref="ArgumentException">x has no batch axis or is not floating.</exception>
    public Tensor LogDensity(Tensor x, NoiseLevel level)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || x.shape[0] == 0 || !x.is_floating_point())
            throw new ArgumentException($"x is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] with at least one sample is needed.", nameof(x));
        var (mean, variance) = At(level);
        using var scope = NewDisposeScope();
        var flat = x.to(float64).reshape(x.shape[0], -1);
        var constant = -0.5 * flat.shape[1] * Math.Log(2 * Math.PI * variance);
        return ((flat - mean).square().sum(1) * (-0.5 / variance) + constant).MoveToOuterDisposeScope();
    }

    /// <summary>KL(q ‖ prior) of the state of known data, q = N(αx₀, σ²): the term L_T of a variational bound. (Ho et al. 2020, eq. 5)</summary>
    /// <param name="x0">The data [batch, …], floating; borrowed.</param>
    /// <param name="level">A level with noise.</param>
    /// <returns>[batch] in float64, nats; fresh in the caller's scope. Differentiable.</returns>
    /// <exception cref="ArgumentException">x0 has no batch axis or is not floating.</exception>
    public Tensor Divergence(Tensor x0, NoiseLevel level)
    {
        ArgumentNullException.ThrowIfNull(x0);
        if (x0.dim() < 1 || x0.shape[0] == 0 || !x0.is_floating_point())
            throw new ArgumentException($"x0 is {x0.dtype} of shape [{string.Join(", ", x0.shape)}]; a floating tensor [batch, …] with at least one sample is needed.", nameof(x0));
        var (mean, variance) = At(level);
        using var scope = NewDisposeScope();
        var flat = x0.to(float64).reshape(x0.shape[0], -1);
        var excess = level.Sigma * level.Sigma / variance - 1; // r − 1 − ln r without cancellation
        var constant = 0.5 * flat.shape[1] * (excess - Exponentials.Log1p(excess));
        return ((flat * level.Alpha - mean).square().sum(1) * (0.5 / variance) + constant).MoveToOuterDisposeScope();
    }
}
