namespace Diffusion.Samplers;

/// <summary>
/// x_s = α_s·x̂₀ + √(σ_s² − τ²)·ε̂ + τ·z with τ = η·√β̃: deterministic for η = 0, ancestral (DDPM with the small variance) for η = 1. (Song, Meng and Ermon
/// 2021, eq. 12 and 16)
/// </summary>
/// <remarks>With η = 0 it is Euler's method in σ/α, and on the straight schedule Euler's method for the flow: one class for three traditions. It also runs upward, which is inversion.</remarks>
public sealed class DdimSampler : Sampler
{
    /// <summary>The sampler with an amount of noise.</summary>
    /// <param name="eta">η in [0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eta"/> lies outside [0, 1].</exception>
    public DdimSampler(double eta = 0)
    {
        if (!(eta >= 0 && eta <= 1)) throw new ArgumentOutOfRangeException(nameof(eta), eta, "η lies in [0, 1]: 0 is deterministic, 1 ancestral.");
        Eta = eta;
    }

    /// <summary>η.</summary>
    public double Eta { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var estimate = step.Denoise(x);
        var (to, sigma) = (step.To, step.To.Sigma);
        if (Eta == 0) return estimate.Mix(x, step.From, to.Alpha, sigma);
        var variance = Eta * Eta * new Transition(step.From, to).PosteriorVariance;
        return estimate.Mix(x, step.From, to.Alpha, Math.Sqrt(sigma * sigma - variance)).add_(step.NoiseBetween(x, step.From, to), alpha: Math.Sqrt(variance));
    }
}
