namespace Diffusion.Denoisers;

/// <summary>
/// Guidance by the gradient of a classifier that knows noisy states: x̂₀ + γ·(σ²/α)·∇ₓ ln p(y | x_t), so that γ·∇ln p(y | x_t) is added to the score. (Song et al. 2021, appendix I; Dhariwal and Nichol 2021, algorithm 2)
/// </summary>
/// <remarks>
/// With γ = 1 and the exact classifier it samples p(x | y) exactly. γ is an inverse temperature of the classifier at every level, not of the result: with prior N(0, 1) and a measurement of variance r² the result has the variance
/// (r²/(1 + r²))^γ rather than that of the tempered posterior, and its mean overshoots: with r = 1 it is 0.81 times the measurement at γ = 2 and 1.17 times at γ = 10, where the tempered posterior's are 0.67 and 0.91.
/// ADM's shift of the mean of an ancestral step, which is another thing, is a sampler: MeanShiftSampler.
/// The classifier is asked and differentiated once a call.
/// </remarks>
public sealed class ClassifierGuidance : DenoiserDecorator
{
    private readonly Func<Tensor, NoisePoint, Tensor> _logProbability;

    /// <summary>Guides a denoiser.</summary>
    /// <param name="inner">The denoiser, usually unconditional; borrowed.</param>
    /// <param name="logProbability">ln p(y | x_t = x) of each sample, [batch], from a state and its level: <see cref="NoisyClassifier.ForLabels"/> makes it of a network. Borrows its argument.</param>
    /// <param name="scale">γ, finite; 1 is Bayes' rule, 1 to 10 are common.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is not finite.</exception>
    public ClassifierGuidance(IDenoiser inner, Func<Tensor, NoisePoint, Tensor> logProbability, double scale = 1) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(logProbability);
        (_logProbability, Scale) = (logProbability, LikelihoodShift.CheckScale(scale));
    }

    /// <summary>γ.</summary>
    public double Scale { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is pure noise (α = 0).</exception>
    /// <exception cref="InvalidOperationException">The probability does not depend on the state.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at) =>
        LikelihoodShift.Of(Inner[0], x, at, Scale, throughEstimate: false, (state, leaf, differentiable) => Differentiation.Gradient(_logProbability(state, at), leaf, differentiable: differentiable));

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ClassifierGuidance(inner[0], _logProbability, Scale);
}
