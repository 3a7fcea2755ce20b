namespace Diffusion;

/// <summary>
/// Noise-conditioning augmentation: the image that a super-resolution model is given is noised to a level of its own, z_t = α·z + σ·ε, and the model is told the level. Trained over many levels, the model bears the faults of
/// the model before it in a cascade. (Ho et al. 2022, section 4.2)
/// </summary>
/// <remarks>Between unit Gaussians of correlation ρ, a perfect model that is given z_t draws x with the correlation ρ·α² to z and the conditional variance 1 − ρ²α² given z_t.</remarks>
/// <param name="schedule">How the given image turns into noise.</param>
/// <param name="label">What the model is told of the level; <see cref="NoiseLabel.Default"/> if null.</param>
public sealed class NoiseAugmentation(NoiseSchedule schedule, NoiseLabel? label = null)
{
    /// <summary>How the given image turns into noise.</summary>
    public NoiseSchedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <summary>What the model is told of the level.</summary>
    public NoiseLabel Label { get; } = label ?? NoiseLabel.Default;

    /// <summary>
    /// Whether the level is given as <see cref="Conditioning.ClassLabels"/> rather than as <see cref="Conditioning.AugmentationLevel"/>: for U-Nets whose class embedding is that of a timestep, as in published upscalers.
    /// </summary>
    public bool LevelAsClass { get; init; }

    /// <summary>The condition with the noised image and its level.</summary>
    /// <param name="image">z [batch, channels, height, width], of the size of the state; borrowed.</param>
    /// <param name="times">One time a sample, in [0, 1]; 0 is the image itself where the schedule is clean there.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="rest">What else the condition gives; null for nothing.</param>
    /// <returns>A condition whose new tensors are in the caller's scope.</returns>
    /// <exception cref="ArgumentException">There are not as many times as images, or the rest already gives what this adds.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time lies outside [0, 1].</exception>
    public Conditioning Apply(Tensor image, ReadOnlySpan<double> times, NoiseSource noise, Conditioning? rest = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(noise);
        if (image.dim() != 4 || !image.is_floating_point() || image.shape[0] != times.Length)
            throw new ArgumentException($"The image is {image.dtype} of shape [{string.Join(", ", image.shape)}] for {times.Length} times; floating [{times.Length}, channels, height, width] is needed.", nameof(image));
        if (rest?.Image is not null || rest?.AugmentationLevel is not null || (LevelAsClass && rest?.ClassLabels is not null))
            throw new ArgumentException("The rest of the condition already gives an image, its level or, where the level is given as a class, a class.", nameof(rest));
        using var scope = NewDisposeScope();
        var factors = new double[3, times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var level = Schedule.At(times[i]);
            (factors[0, i], factors[1, i], factors[2, i]) = (level.Alpha, level.Sigma, Label.At(level));
            if (!double.IsFinite(factors[2, i])) throw new ArgumentException($"The label {Label} is {factors[2, i]} at t = {times[i]:g6}, which a model cannot be told; keep the times away from that end.", nameof(times));
        }

        var table = tensor(factors, image.dtype, image.device);
        Tensor Row(int row) => table[row].view(-1, 1, 1, 1);
        var noised = image.mul(Row(0)).addcmul_(noise.NextLike(image), Row(1), 1).MoveToOuterDisposeScope();
        var told = table[2].clone().MoveToOuterDisposeScope();
        return new Conditioning
        {
            ClassLabels = LevelAsClass ? told : rest?.ClassLabels,
            NullClass = rest?.NullClass,
            Vector = rest?.Vector,
            PooledText = rest?.PooledText,
            ImageEmbedding = rest?.ImageEmbedding,
            TimeIds = rest?.TimeIds,
            GuidanceEmbedding = rest?.GuidanceEmbedding,
            Context = rest?.Context,
            ContextMask = rest?.ContextMask,
            Image = noised,
            AugmentationLevel = LevelAsClass ? null : told,
        };
    }
}
