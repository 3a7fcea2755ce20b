using Diffusion.Denoisers;
using Diffusion.Operators;

namespace Diffusion.Pipelines;

/// <summary>Super-resolution by a model that was trained with <c>SuperResolutionObjective</c>: it is given the image brought to full size by Lanczos resampling, noised a little, and draws what is missing. The stage of a cascade.</summary>
/// <param name="network">Takes the state and, joined on the channel axis, the given image; borrowed.</param>
/// <param name="schedule">The schedule that it was trained on.</param>
/// <param name="parameterization">What its output means.</param>
/// <param name="augmentation">How the given image was noised in training.</param>
public sealed class SuperResolution(DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, NoiseAugmentation augmentation)
{
    private readonly DenoisingNetwork _network = network ?? throw new ArgumentNullException(nameof(network));
    private readonly NoiseSchedule _schedule = schedule ?? throw new ArgumentNullException(nameof(schedule));
    private readonly Parameterization _parameterization = parameterization ?? throw new ArgumentNullException(nameof(parameterization));
    private readonly NoiseAugmentation _augmentation = augmentation ?? throw new ArgumentNullException(nameof(augmentation));

    /// <summary>The data's range, to which estimates are clipped; null does not. Default 1: data in [−1, 1].</summary>
    public double? DataRange { get; init; } = 1;

    /// <summary>Draws images of full size.</summary>
    /// <param name="images">[batch, channels, low height, low width], floating; borrowed.</param>
    /// <param name="height">The full height.</param>
    /// <param name="width">The full width.</param>
    /// <param name="sampler">The method.</param>
    /// <param name="grid">The grid, on the schedule.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="time">The level to which the given image is noised, in [0, 1]: 0.1 to 0.3 in cascades, 0 for images that are true.</param>
    /// <param name="rest">What else the condition gives; null for nothing.</param>
    /// <param name="hooks">What to do between steps.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[batch, channels, height, width], fresh.</returns>
    /// <exception cref="ArgumentException">The tensor holds no images.</exception>
    public Tensor Sample(Tensor images, int height, int width, Sampler sampler, TimeGrid grid, NoiseSource noise, double time = 0, Conditioning? rest = null, SamplingHooks? hooks = null, CancellationToken cancellationToken = default)
    {
        ImageEditing.CheckImages(images);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(noise);
        if (images.dim() != 4) throw new ArgumentException($"The images have shape [{string.Join(", ", images.shape)}]; [batch, channels, height, width] is needed.", nameof(images));
        using var scope = NewDisposeScope();
        var given = LanczosResampling.Resize(images, height, width);
        var times = new double[images.shape[0]];
        Array.Fill(times, time);
        var condition = _augmentation.Apply(given, times, noise, rest);
        IDenoiser denoiser = new NetworkDenoiser(_network, _schedule, _parameterization, condition);
        if (DataRange is { } range) denoiser = new ClampedDenoiser(denoiser, range);
        var start = noise.NextLike(given).mul(grid.Start.Sigma);
        return sampler.Sample(denoiser, start, grid, noise, hooks, cancellationToken).MoveToOuterDisposeScope();
    }
}
