namespace Diffusion.Denoisers;

/// <summary>
/// Clips the estimate of the data at a quantile of its own absolute values and scales it back to [−1, 1], sample by sample: dynamic thresholding.
/// (Saharia et al. 2022, section 2.3)
/// </summary>
/// <remarks>x̂₀ ← clamp(x̂₀, −s, s)/s with s = min(max(quantile of |x̂₀|, 1), maximum).</remarks>
public sealed class DynamicThreshold : DenoiserDecorator
{
    private readonly double _ratio;
    private readonly double _maximum;
    private readonly bool _keepNoise;

    /// <summary>Thresholds the estimate of another denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="ratio">Which quantile, in [0, 1]; 0.995 in the paper.</param>
    /// <param name="maximum">Largest s; positive, may be infinite. Below 1 it is s.</param>
    /// <param name="keepNoise">Whether the state moves along the noise of the unclipped estimate; otherwise the noise is derived from the clipped data.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public DynamicThreshold(IDenoiser inner, double ratio = 0.995, double maximum = double.PositiveInfinity, bool keepNoise = false) : base(inner)
    {
        if (!(ratio >= 0 && ratio <= 1)) throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "A quantile's ratio lies in [0, 1].");
        if (!(maximum > 0)) throw new ArgumentOutOfRangeException(nameof(maximum), maximum, "The largest threshold must be positive.");
        _ratio = ratio;
        _maximum = maximum;
        _keepNoise = keepNoise;
    }

    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 2 || x.numel() == 0 || !x.is_floating_point())
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] with numbers in each sample is needed.", nameof(x));
        using var scope = NewDisposeScope();
        var raw = Inner[0].Denoise(x, at);
        var noise = _keepNoise ? raw.Noise ?? raw.NoiseAt(x, at.Level) : null;
        var data = raw.Data;
        var threshold = Quantile(data).clamp_min(1);
        if (double.IsFinite(_maximum)) threshold = threshold.clamp_max(_maximum);
        threshold = threshold.view([data.shape[0], .. Enumerable.Repeat(1L, (int)data.dim() - 1)]).to(data.dtype);
        return new Estimate(data.minimum(threshold).maximum(threshold.neg()).div(threshold), noise, raw.VarianceOutput).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new DynamicThreshold(inner[0], _ratio, _maximum, _keepNoise);

    // The quantile of |x̂₀|, linear between order statistics; only the largest values are sorted.
    private Tensor Quantile(Tensor data)
    {
        var size = data.abs().flatten(1); // [batch, numbers]
        if (size.dtype is ScalarType.Float16 or ScalarType.BFloat16) size = size.to(float32);
        var count = size.shape[1];
        var position = _ratio * (count - 1);
        var below = (long)Math.Floor(position);
        var (largest, _) = size.topk((int)(count - below), 1);
        var lower = largest.select(1, largest.shape[1] - 1);
        return position == below ? lower : lower.lerp(largest.select(1, largest.shape[1] - 2), position - below);
    }
}
