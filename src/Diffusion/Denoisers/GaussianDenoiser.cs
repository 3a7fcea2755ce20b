namespace Diffusion.Denoisers;

/// <summary>
/// The exact denoiser of data whose every number is N(mean, deviation²): x̂₀ = m + αs²/(α²s² + σ²)·(x − αm). The ground truth of tests and of
/// first experiments; works on tensors of any shape.
/// </summary>
public sealed class GaussianDenoiser : IDenoiser
{
    /// <summary>The exact denoiser of a normal distribution.</summary>
    /// <param name="schedule">The schedule of the states.</param>
    /// <param name="mean">m, finite.</param>
    /// <param name="deviation">s, at least 0 and finite; 0 is a single point.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public GaussianDenoiser(NoiseSchedule schedule, double mean = 0, double deviation = 1)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (!double.IsFinite(mean)) throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean must be finite.");
        if (!(deviation >= 0) || !double.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The standard deviation must be finite and at least 0.");
        Schedule = schedule;
        Mean = mean;
        Deviation = deviation;
    }

    /// <inheritdoc/>
    public NoiseSchedule Schedule { get; }

    /// <summary>m.</summary>
    public double Mean { get; }

    /// <summary>s.</summary>
    public double Deviation { get; }

    /// <inheritdoc/>
    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
        var variance = Deviation * Deviation;
        var gain = alpha * variance / (alpha * alpha * variance + sigma * sigma);
        return new Estimate(x.mul(gain).add_(Mean * (1 - gain * alpha)));
    }
}
