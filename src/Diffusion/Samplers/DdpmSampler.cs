namespace Diffusion.Samplers;

/// <summary>
/// Ancestral sampling: x_s is drawn from the posterior q(x_s | x_t, x̂₀) between any two levels, so the full grid is the published DDPM and
/// a shorter one its respaced form. (Ho et al. 2020, algorithm 2; Nichol and Dhariwal 2021)
/// </summary>
/// <param name="variance">The variance of a step.</param>
public sealed class DdpmSampler(ReverseVariance variance = ReverseVariance.Small) : Sampler
{
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var estimate = step.Denoise(x);
        var transition = new Transition(step.From, step.To);
        var mean = Estimate.Combine(transition.PosteriorData, estimate.Data, transition.PosteriorState, x);
        return AddNoise(mean, step.NoiseBetween(x, step.From, step.To), estimate, variance, transition.PosteriorVariance, transition.ForwardVariance);
    }

    /// <summary>Adds noise of a step's variance to its mean, in place.</summary>
    /// <param name="mean">The posterior's mean; changed and returned.</param>
    /// <param name="noise">Standard normal numbers.</param>
    /// <param name="estimate">What the denoiser answered.</param>
    /// <param name="variance">Which variance.</param>
    /// <param name="small">The posterior's.</param>
    /// <param name="large">The forward kernel's.</param>
    internal static Tensor AddNoise(Tensor mean, Tensor noise, Estimate estimate, ReverseVariance variance, double small, double large) => variance switch
    {
        ReverseVariance.Small => mean.add_(noise, alpha: Math.Sqrt(small)),
        ReverseVariance.Large => mean.add_(noise, alpha: Math.Sqrt(large)),
        _ => mean.addcmul_(LearnedDeviation(estimate, variance, small, large) ?? throw new InvalidOperationException($"There is no reverse variance {variance}."), noise, 1),
    };

    /// <summary>The standard deviation that the network predicts; null where the variance is not learned.</summary>
    internal static Tensor? LearnedDeviation(Estimate estimate, ReverseVariance variance, double small, double large) => variance switch
    {
        ReverseVariance.LearnedRange => LearnedRange(Learned(estimate), Math.Log(small), Math.Log(large)),
        ReverseVariance.LearnedLog => Learned(estimate).mul(0.5).exp_(),
        _ => null,
    };

    // exp(½ ln Σ) with ln Σ = f·ln β + (1 − f)·ln β̃, f = (v + 1)/2.
    private static Tensor LearnedRange(Tensor v, double small, double large) => v.mul((large - small) / 4).add_((large + small) / 4).exp_();

    private static Tensor Learned(Estimate estimate) => estimate.VarianceOutput
        ?? throw new InvalidOperationException("A learned variance was asked for, but the model predicts none. Use ReverseVariance.Small or Large, or a network with twice the output channels.");
}
