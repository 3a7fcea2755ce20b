namespace Diffusion.Samplers;

/// <summary>
/// Reverse diffusion sampling: the forward kernel q(x_t | x_s) = N(a·x_s, v) is undone in the way it was done, x_s = (2 − a)·x + ½(1 + η²)·v·∇ln p + η·√v·z.
/// It needs no slopes, so any two levels will do. Weak order 1. (Song et al. 2021, appendix E)
/// </summary>
/// <remarks>
/// Only for Gaussian noise. For ancestral sampling, the other predictor of that paper, use <see cref="DdpmSampler"/>: with the small variance it is the
/// ancestral sampler of variance-exploding models, with the large one that of variance-preserving models.
/// </remarks>
public sealed class ReverseDiffusionSampler : Sampler
{
    /// <summary>The sampler.</summary>
    /// <param name="eta">η, at least 0: 1 as published, 0 its form without noise ("probability flow" in the published code).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eta"/> is negative or not finite.</exception>
    public ReverseDiffusionSampler(double eta = 1) => Eta = ReverseProcess.CheckEta(eta);

    /// <summary>η.</summary>
    public double Eta { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.From.Alpha == 0)
            throw new ArgumentException("Reverse diffusion undoes a step of the forward process, and none leads from data to pure noise (α = 0); start below t = 1.", nameof(step));
        var transition = new Transition(step.From, step.To);
        var variance = transition.ForwardVariance;
        var next = new LinearForm
        {
            { 2 - transition.AlphaRatio, x },
            { -(1 + Eta * Eta) / 2 * variance / step.From.Sigma, LinearForm.Noise(step.Denoise(x), x, step.From) },
        };
        if (Eta > 0) next.Add(Eta * Math.Sqrt(variance), step.NoiseBetween(x, step.From, step.To));
        return next.Evaluate();
    }
}
