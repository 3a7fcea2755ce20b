namespace Diffusion.Samplers;

/// <summary>
/// Euler's method for dx̂/dσ̂ = ε̂ with churn: x̂' = x̂ + (σ̂' − σ̂)·ε̂, which is a move to α'·x̂₀ + σ'·ε̂. First order. Without churn it is
/// <see cref="DdimSampler"/> with η = 0. (Karras et al. 2022, algorithm 2 without lines 8–10)
/// </summary>
/// <param name="churn">Noise added before each step; none if null.</param>
public sealed class EulerSampler(Churn? churn = null) : Sampler
{
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        (x, var at) = Churn.Apply(churn, step, x);
        return step.Denoise(x, at).Mix(x, at.Level, step.To.Alpha, step.To.Sigma);
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
