using Diffusion.Operators;

namespace Diffusion.Denoisers;

/// <summary>The common part of every guidance by a gradient: x̂₀ + γ·(σ²/α)·∇ln p, which adds γ·∇ln p to the score.</summary>
internal static class LikelihoodShift
{
    /// <summary>γ, checked.</summary>
    public static double CheckScale(double scale) =>
        double.IsFinite(scale) ? scale : throw new ArgumentOutOfRangeException(nameof(scale), scale, "The guidance scale must be finite.");

    /// <summary>Refuses a level at which the shift is infinite.</summary>
    public static void CheckLevel(NoiseLevel level)
    {
        if (level.Alpha == 0)
            throw new ArgumentException(
                $"Guidance by a gradient shifts the data by σ²/α times it, which is undefined on pure noise (α = 0, σ = {level.Sigma:g6}). Start the grid a little below t = 1, for example with "
                + "TimeGrid.Uniform(schedule, steps, from: 0.99), or guide only below by a GuidanceInterval.", nameof(level));
    }

    /// <summary>The estimate of a denoiser, shifted along a gradient with respect to the state.</summary>
    /// <param name="inner">The denoiser.</param>
    /// <param name="x">The state; borrowed.</param>
    /// <param name="at">Its level.</param>
    /// <param name="scale">γ.</param>
    /// <param name="throughEstimate">Whether the value is made from the estimate, through which the gradient then passes; else from the state.</param>
    /// <param name="gradient">The gradient with respect to its second argument, of what it makes from its first; told whether the result shall be differentiable in turn.</param>
    public static Estimate Of(IDenoiser inner, Tensor x, NoisePoint at, double scale, bool throughEstimate, Func<Tensor, Tensor, bool, Tensor> gradient)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || !x.is_floating_point())
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] is needed.", nameof(x));
        CheckLevel(at.Level);
        if (scale == 0) return inner.Denoise(x, at);
        // Whoever differentiates through this estimate needs the gradient's own graph; a sampler does not.
        var differentiable = is_grad_enabled();
        using var scope = NewDisposeScope();
        var raw = throughEstimate ? null : inner.Denoise(x, at);
        Tensor shift;
        using (enable_grad())
        {
            var leaf = differentiable && x.requires_grad ? x : x.detach().requires_grad_();
            raw ??= inner.Denoise(leaf, at);
            shift = gradient(throughEstimate ? raw.Data : leaf, leaf, differentiable);
        }

        if (!differentiable && throughEstimate) raw = new Estimate(raw.Data.detach(), raw.Noise?.detach(), raw.VarianceOutput?.detach());
        var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
        var data = raw.Data.add(shift, alpha: scale * sigma * sigma / alpha);
        return new Estimate(data, raw.Noise?.add(shift, alpha: -scale * sigma), raw.VarianceOutput).MoveToOuterDisposeScope();
    }

    /// <summary>The shift by a Gaussian likelihood N(y; A·x̂₀, data·A·Aᵀ + noise·1), whose gradient is the transposed Jacobian of the estimate times Aᵀ(…)⁻¹(y − A·x̂₀).</summary>
    public static Estimate OfMeasurement(IDenoiser inner, Tensor x, NoisePoint at, double scale, LinearOperator @operator, Tensor measurement, double data, double noise) =>
        Of(inner, x, at, scale, throughEstimate: true, (estimate, leaf, differentiable) =>
        {
            // The weight's own graph serves only whoever differentiates the result.
            var seen = differentiable ? estimate : estimate.detach();
            return Differentiation.Vjp(estimate, leaf, @operator.Whiten(@operator.Residual(seen, measurement), data, noise), differentiable: differentiable);
        });
}
