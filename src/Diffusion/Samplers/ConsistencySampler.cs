namespace Diffusion.Samplers;

/// <summary>
/// Multistep sampling of a consistency model: each step takes the estimate for a finished sample and noises it to the next level, x' = α'·x̂₀ + σ'·z. One evaluation a step, few steps. (Song
/// et al. 2023, algorithm 1; latent consistency models, Luo et al. 2023, algorithm 3)
/// </summary>
/// <remarks>
/// On the straight path it is the latent-consistency form of flow matching. A network that was distilled with a boundary condition needs it around its estimate (ConsistencyDenoiser) or
/// as its parameterization. Any denoiser may be used; only one whose estimate is the end of the flow gives samples of the data.
/// </remarks>
public sealed class ConsistencySampler : Sampler
{
    private readonly NoiseLevel? _floor;

    /// <summary>The sampler, and the level that the estimates belong to.</summary>
    /// <param name="floor">The level whose states the model answers with (α = 1, σ = σ_min in the paper); clean data if null.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentException">The floor holds no data.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="noiseScale"/> is negative or not finite.</exception>
    public ConsistencySampler(NoiseLevel? floor = null, double noiseScale = 1)
    {
        if (floor is { Alpha: not > 0 }) throw new ArgumentException("The floor must hold data (α > 0).", nameof(floor));
        if (!(noiseScale >= 0) || !double.IsFinite(noiseScale)) throw new ArgumentOutOfRangeException(nameof(noiseScale), noiseScale, "The scale of the noise must be finite and at least 0.");
        (_floor, NoiseScale) = (floor, noiseScale);
    }

    /// <summary>Standard deviation of the random numbers.</summary>
    public double NoiseScale { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (to, floor) = (step.To, _floor is { } level ? level.Sigma / level.Alpha : 0);
        var variance = to.Sigma * to.Sigma - to.Alpha * to.Alpha * floor * floor;
        var data = step.Denoise(x).Data;
        // The model's answer is in the data's own scale, α of the floor included.
        var next = new LinearForm { { to.Alpha / (_floor?.Alpha ?? 1), data } };
        if (variance > 0 && NoiseScale > 0) next.Add(Math.Sqrt(variance) * NoiseScale, step.NoiseBetween(x, step.From, to));
        return next.Evaluate();
    }
}
