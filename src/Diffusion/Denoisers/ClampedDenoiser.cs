namespace Diffusion.Denoisers;

/// <summary>
/// Clips the estimate of the data to the range that data has: static thresholding. (Ho et al. 2020; Saharia et al. 2022, section 2.3)
/// </summary>
public sealed class ClampedDenoiser : DenoiserDecorator
{
    private readonly double _range;
    private readonly bool _keepNoise;

    /// <summary>Clips the estimate of another denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="range">The data lies in [−range, range]; positive.</param>
    /// <param name="keepNoise">
    /// Whether the state moves along the noise of the unclipped estimate (the published default of DDIM); otherwise the noise is derived from
    /// the clipped data.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="range"/> is not positive and finite.</exception>
    public ClampedDenoiser(IDenoiser inner, double range = 1, bool keepNoise = false) : base(inner)
    {
        if (!(range > 0) || !double.IsFinite(range)) throw new ArgumentOutOfRangeException(nameof(range), range, "The range of the data must be positive and finite.");
        _range = range;
        _keepNoise = keepNoise;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is not of a real floating type.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!x.is_floating_point()) throw new ArgumentException($"x is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a real floating type is needed, whose numbers can be clipped.", nameof(x));
        using var scope = NewDisposeScope();
        var raw = Inner[0].Denoise(x, at);
        var noise = _keepNoise ? raw.Noise ?? raw.NoiseAt(x, at.Level) : null;
        return new Estimate(raw.Data.clamp(-_range, _range), noise, raw.VarianceOutput).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ClampedDenoiser(inner[0], _range, _keepNoise);
}
