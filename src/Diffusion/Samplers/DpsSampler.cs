using Diffusion.Operators;

namespace Diffusion.Samplers;

/// <summary>
/// DPS as published: an ancestral step, then a step down the gradient of the distance between measurement and estimate, −ζ·∇ₓ‖y − A·x̂₀(x_t)‖. (Chung et al. 2023, algorithm 1 with ζ_i = ζ/‖y − A·x̂₀‖)
/// </summary>
/// <remarks>ζ stands for no noise level: it is found by trial, 0.1 to 1 in the paper for data in [−1, 1]. <c>PosteriorSamplingGuidance</c> is the same gradient as a likelihood with a noise. Differentiates through the denoiser once a step.</remarks>
public sealed class DpsSampler : Sampler
{
    private readonly LinearOperator _operator;
    private readonly Tensor _measurement;
    private readonly double _stepSize;
    private readonly ReverseVariance _variance;

    /// <summary>A sampler of a measurement's posterior.</summary>
    /// <param name="operator">A; borrowed.</param>
    /// <param name="measurement">y of each sample, or of one that stands for all; borrowed.</param>
    /// <param name="stepSize">ζ, at least 0.</param>
    /// <param name="variance">The variance of a step.</param>
    /// <exception cref="ArgumentOutOfRangeException">The step size is negative or not finite, or there is no such variance.</exception>
    public DpsSampler(LinearOperator @operator, Tensor measurement, double stepSize = 1, ReverseVariance variance = ReverseVariance.Small)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        ArgumentNullException.ThrowIfNull(measurement);
        if (!(stepSize >= 0) || !double.IsFinite(stepSize)) throw new ArgumentOutOfRangeException(nameof(stepSize), stepSize, "The step size is finite and at least 0.");
        if (!Enum.IsDefined(variance)) throw new ArgumentOutOfRangeException(nameof(variance), variance, "There is no such variance.");
        (_operator, _measurement, _stepSize, _variance) = (@operator, measurement, stepSize, variance);
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        Estimate estimate;
        Tensor gradient;
        using (enable_grad())
        {
            var leaf = x.detach().requires_grad_();
            var raw = step.Denoise(leaf);
            estimate = new Estimate(raw.Data.detach(), raw.Noise?.detach(), raw.VarianceOutput?.detach());
            var residual = _operator.Residual(estimate.Data, _measurement);
            var norm = residual.flatten(1).norm(1, true, 2).clamp_min(1e-30).view([residual.shape[0], .. Enumerable.Repeat(1L, (int)residual.dim() - 1)]); // where it is 0 so is the residual
            gradient = Differentiation.Vjp(raw.Data, leaf, _operator.Transpose(residual.div(norm)));
        }

        step.Report(estimate);
        var transition = new Transition(step.From, step.To);
        var mean = Estimate.Combine(transition.PosteriorData, estimate.Data, transition.PosteriorState, x).add_(gradient, alpha: _stepSize);
        return step.To.IsClean ? mean : DdpmSampler.AddNoise(mean, step.NoiseBetween(x, step.From, step.To), estimate, _variance, transition.PosteriorVariance, transition.ForwardVariance);
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
