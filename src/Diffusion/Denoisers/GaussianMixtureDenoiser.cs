namespace Diffusion.Denoisers;

/// <summary>The exact denoiser of a Gaussian mixture: what a perfectly trained network would answer.</summary>
/// <param name="schedule">The schedule of the states.</param>
/// <param name="mixture">The distribution of the data.</param>
public sealed class GaussianMixtureDenoiser(NoiseSchedule schedule, GaussianMixture mixture) : IDenoiser
{
    /// <inheritdoc/>
    public NoiseSchedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <summary>The distribution of the data.</summary>
    public GaussianMixture Mixture { get; } = mixture ?? throw new ArgumentNullException(nameof(mixture));

    /// <inheritdoc/>
    public Estimate Denoise(Tensor x, NoisePoint at) => new(Mixture.PosteriorMean(x, at.Level));
}
