namespace Diffusion.Samplers;

/// <summary>
/// Euler's method with ancestral noise: x̂' = x̂ + (σ̂_down − σ̂)·ε̂ + σ̂_up·z, σ̂_up² = η²·σ̂'²(σ̂² − σ̂'²)/σ̂², σ̂_down² = σ̂'² − σ̂_up². First order.
/// For η ≤ 1 and unit noise it is <see cref="DdimSampler"/> with the same η, for η = 1 DDPM with the small variance.
/// </summary>
/// <remarks>The σ-form that k-diffusion made known; the identity with Song, Meng and Ermon 2021, eq. 16 is exact.</remarks>
public sealed class EulerAncestralSampler : Sampler
{
    private readonly double _eta;
    private readonly double _noiseScale;

    /// <summary>The sampler with an amount of noise.</summary>
    /// <param name="eta">η, at least 0. Above 1 the noise is cut where it would exceed the target's.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative or not finite.</exception>
    public EulerAncestralSampler(double eta = 1, double noiseScale = 1) => (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var split = AncestralSplit.Of(from, to, _eta);
        var estimate = step.Denoise(x);
        var next = new LinearForm { { split.Down.Alpha, estimate.Data }, { split.Down.Sigma, LinearForm.Noise(estimate, x, from) } };
        if (split.Deviation > 0) next.Add(split.Deviation * _noiseScale, step.NoiseBetween(x, from, to));
        return next.Evaluate();
    }
}
