using Diffusion.Samplers;

namespace Diffusion.Pipelines;

/// <summary>Changing given images with a trained model: image to image, variations, interpolation, outpainting. Short scripts over samplers; each says what it does in its first lines.</summary>
public static class ImageEditing
{
    /// <summary>Image to image: the images are noised to the level at which the last part of the grid begins, and sampled from there. (Meng et al. 2022, "SDEdit")</summary>
    /// <param name="denoiser">The model, with what it shall make of the images.</param>
    /// <param name="sampler">The method.</param>
    /// <param name="images">[batch, …]; borrowed.</param>
    /// <param name="grid">The grid of a whole run.</param>
    /// <param name="strength">In (0, 1]: the part of the grid's steps that is walked, rounded down. Small keeps the images, 1 forgets nearly all of them.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="hooks">What to do between steps.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[batch, …], fresh.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The strength lies outside (0, 1], or leaves no step.</exception>
    public static Tensor ImageToImage(IDenoiser denoiser, Sampler sampler, Tensor images, TimeGrid grid, double strength, NoiseSource noise, SamplingHooks? hooks = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(sampler);
        CheckImages(images);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        var rest = Last(grid, strength);
        var start = AddNoise(images, rest.Start, noise);
        return sampler.Sample(denoiser, start, rest, noise, hooks, cancellationToken).MoveToOuterDisposeScope();
    }

    /// <summary>The last part of a grid that a strength stands for.</summary>
    /// <param name="grid">The grid of a whole run.</param>
    /// <param name="strength">In (0, 1]: the part of the steps that is kept, rounded down.</param>
    /// <exception cref="ArgumentOutOfRangeException">The strength lies outside (0, 1], or leaves no step.</exception>
    public static TimeGrid Last(TimeGrid grid, double strength)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (!(strength > 0 && strength <= 1)) throw new ArgumentOutOfRangeException(nameof(strength), strength, "The strength lies in (0, 1].");
        var kept = (int)Math.Floor(grid.Count * strength + 1e-9); // 10 × 0.3 is 3
        if (kept < 1) throw new ArgumentOutOfRangeException(nameof(strength), strength, $"Of {grid.Count} steps this strength leaves none; take at least {1.0 / grid.Count:g3}, or more steps.");
        return grid.Skip(grid.Count - kept);
    }

    /// <summary>α·x₀ + σ·z: data noised to a level.</summary>
    /// <param name="images">x₀ [batch, …]; borrowed.</param>
    /// <param name="level">The level.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <returns>Fresh, of the shape of the images.</returns>
    public static Tensor AddNoise(Tensor images, NoiseLevel level, NoiseSource noise)
    {
        CheckImages(images);
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        return Estimate.Combine(level.Alpha, images, level.Sigma, noise.NextLike(images)).MoveToOuterDisposeScope();
    }

    /// <summary>Variations of one image: image to image several times, each with its own noise.</summary>
    /// <param name="denoiser">The model, bound to a batch of <paramref name="count"/>.</param>
    /// <param name="sampler">The method.</param>
    /// <param name="image">[1, …]; borrowed.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="grid">The grid of a whole run.</param>
    /// <param name="strength">In (0, 1]; how far they may differ.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="hooks">What to do between steps.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[count, …], fresh.</returns>
    /// <exception cref="ArgumentException">There is not exactly one image.</exception>
    public static Tensor Variations(IDenoiser denoiser, Sampler sampler, Tensor image, int count, TimeGrid grid, double strength, NoiseSource noise, SamplingHooks? hooks = null, CancellationToken cancellationToken = default)
    {
        CheckImages(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (image.shape[0] != 1) throw new ArgumentException($"{image.shape[0]} images were given; variations are of one.", nameof(image));
        using var scope = NewDisposeScope();
        return ImageToImage(denoiser, sampler, image.expand([count, .. image.shape[1..]]), grid, strength, noise, hooks, cancellationToken).MoveToOuterDisposeScope();
    }

    /// <summary>Images between two: both are encoded by DDIM inversion, their codes interpolated on the great circle, and decoded.</summary>
    /// <param name="denoiser">The model.</param>
    /// <param name="first">[batch, …]; borrowed.</param>
    /// <param name="second">Of the shape of the first; borrowed.</param>
    /// <param name="fractions">Where between: 0 is the first, 1 the second. At least one.</param>
    /// <param name="grid">The grid that leads down; it ends at clean data.</param>
    /// <param name="refinements">Of <see cref="InversionSampler"/>.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[fractions · batch, …], the batch of each fraction after the other, fresh.</returns>
    /// <exception cref="ArgumentException">No fraction was given, or the images differ in shape.</exception>
    public static Tensor Interpolate(IDenoiser denoiser, Tensor first, Tensor second, ReadOnlySpan<double> fractions, TimeGrid grid, int refinements = 3, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        CheckImages(first);
        CheckImages(second);
        ArgumentNullException.ThrowIfNull(grid);
        if (fractions.IsEmpty) throw new ArgumentException("At least one fraction is needed.", nameof(fractions));
        using var scope = NewDisposeScope();
        using var none = NoiseSource.FromSeed(0); // neither method draws
        var (inversion, sampler) = (new InversionSampler(refinements), new DdimSampler());
        var (a, b) = (Walk(inversion, first), Walk(inversion, second));
        var images = new List<Tensor>();
        foreach (var fraction in fractions) images.Add(Walk(sampler, SphericalInterpolation.Between(a, b, fraction)));
        return cat(images, 0).MoveToOuterDisposeScope();

        Tensor Walk(Sampler by, Tensor from) => by.Sample(denoiser, from, grid, none, hooks: null, cancellationToken);
    }

    /// <summary>Outpainting: what lies beyond the images is drawn so that it fits them; they stay as they are.</summary>
    /// <param name="denoiser">A model of images of the new size.</param>
    /// <param name="sampler">Whose steps are taken.</param>
    /// <param name="images">[batch, channels, height, width]; borrowed.</param>
    /// <param name="margins">How many pixels are added on each side; negative cuts off.</param>
    /// <param name="grid">The grid.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="jumpLength">Of <see cref="RePaintSampler"/>.</param>
    /// <param name="resamplings">Of <see cref="RePaintSampler"/>; 1 is replacement.</param>
    /// <param name="hooks">What to do between steps.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[batch, channels, new height, new width], fresh.</returns>
    /// <exception cref="ArgumentException">Nothing is left of the images.</exception>
    public static Tensor Outpaint(IDenoiser denoiser, Sampler sampler, Tensor images, Margins margins, TimeGrid grid, NoiseSource noise, int jumpLength = 10, int resamplings = 10, SamplingHooks? hooks = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        var (canvas, known) = margins.Extend(images);
        var start = noise.NextLike(canvas).mul(grid.Start.Sigma);
        return new RePaintSampler(sampler, canvas, known, jumpLength, resamplings).Sample(denoiser, start, grid, noise, hooks, cancellationToken).MoveToOuterDisposeScope();
    }

    internal static void CheckImages(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() < 2 || images.numel() == 0 || !images.is_floating_point())
            throw new ArgumentException($"The images are {images.dtype} of shape [{string.Join(", ", images.shape)}]; a floating tensor [batch, …] with a sample is needed.", nameof(images));
    }
}
