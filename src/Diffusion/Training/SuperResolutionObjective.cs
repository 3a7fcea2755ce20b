namespace Diffusion.Training;

/// <summary>
/// Trains a super-resolution model: the network is given, beside the noisy image, what is left of it at low resolution, brought back to full size and noised to a level of its own that it is told. What is minimised is another
/// objective's loss. (Saharia et al. 2021; Ho et al. 2022, section 4)
/// </summary>
/// <param name="inner">The loss, with its schedule and parameterization.</param>
/// <param name="degrade">The given image of full size, made from the data [batch, channels, height, width]: for example made smaller and larger again. Borrows its argument, returns a fresh tensor.</param>
/// <param name="augmentation">How the given image is noised.</param>
public sealed class SuperResolutionObjective(TrainingObjective inner, Func<Tensor, Tensor> degrade, NoiseAugmentation augmentation) : TrainingObjective
{
    private readonly TrainingObjective _inner = inner ?? throw new ArgumentNullException(nameof(inner));
    private readonly Func<Tensor, Tensor> _degrade = degrade ?? throw new ArgumentNullException(nameof(degrade));
    private readonly NoiseAugmentation _augmentation = augmentation ?? throw new ArgumentNullException(nameof(augmentation));

    /// <summary>The levels of the given image. Default uniform in [0, 0.5]: noisier ones tell little.</summary>
    public TimeDistribution AugmentationTimes { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform(0, 0.5);

    /// <inheritdoc/>
    public override nn.Module? Module => _inner.Module;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 holds no images, or the condition already gives one.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(x0);
        ArgumentNullException.ThrowIfNull(noise);
        if (x0.dim() != 4) throw new ArgumentException($"x0 has shape [{string.Join(", ", x0.shape)}]; images [batch, channels, height, width] are needed.", nameof(x0));
        using var scope = NewDisposeScope();
        var times = AugmentationTimes.Draw((int)x0.shape[0], _augmentation.Schedule, noise);
        var given = _augmentation.Apply(_degrade(x0), times, noise, condition);
        var terms = _inner.Terms(network, x0, given, noise);
        terms.PerSample?.MoveToOuterDisposeScope();
        return new LossTerms(terms.Loss.MoveToOuterDisposeScope(), terms.PerSample, terms.Levels);
    }
}
