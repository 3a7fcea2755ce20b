namespace Diffusion.Samplers;

/// <summary>
/// ADM's classifier guidance: ancestral sampling whose mean is shifted by the step's variance times the gradient, μ + γ·Σ·∇ln p(y | x). (Dhariwal and Nichol 2021, algorithm 1)
/// </summary>
/// <remarks>
/// Adding γ·∇ln p to the score, as the denoiser ClassifierGuidance does, shifts the mean of a step by γ·β·(α_s/α_t)·∇ln p instead: with the large variance the two differ by α_s/α_t alone, with the small one this shifts less.
/// The last step, to clean data, has no variance and is not shifted. The gradient costs one evaluation of the classifier and its derivative a step.
/// </remarks>
public sealed class MeanShiftSampler : Sampler
{
    private readonly Func<Tensor, NoisePoint, Tensor> _logProbability;
    private readonly double _scale;
    private readonly ReverseVariance _variance;
    private readonly GradientPoint _point;

    /// <summary>A guided ancestral sampler.</summary>
    /// <param name="logProbability">ln p(y | x_t = x) of each sample, [batch], from a state and its level: <see cref="NoisyClassifier.ForLabels"/> makes it of a network. Borrows its argument.</param>
    /// <param name="scale">γ, finite.</param>
    /// <param name="variance">The variance of a step, Σ.</param>
    /// <param name="point">Where the gradient is taken; the classifier is told the level of the state either way.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not finite, or there is no such variance or point.</exception>
    public MeanShiftSampler(Func<Tensor, NoisePoint, Tensor> logProbability, double scale = 1, ReverseVariance variance = ReverseVariance.Small, GradientPoint point = GradientPoint.State)
    {
        ArgumentNullException.ThrowIfNull(logProbability);
        if (!double.IsFinite(scale)) throw new ArgumentOutOfRangeException(nameof(scale), scale, "The guidance scale must be finite.");
        if (!Enum.IsDefined(variance)) throw new ArgumentOutOfRangeException(nameof(variance), variance, "There is no such variance.");
        if (!Enum.IsDefined(point)) throw new ArgumentOutOfRangeException(nameof(point), point, "There is no such point.");
        (_logProbability, _scale, _variance, _point) = (logProbability, scale, variance, point);
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var estimate = step.Denoise(x);
        var transition = new Transition(step.From, step.To);
        var (small, large) = (transition.PosteriorVariance, transition.ForwardVariance);
        var mean = Estimate.Combine(transition.PosteriorData, estimate.Data, transition.PosteriorState, x);
        var gradient = Differentiation.GradientAt(state => _logProbability(state, step.At), _point == GradientPoint.State ? x : mean);
        if (DdpmSampler.LearnedDeviation(estimate, _variance, small, large) is { } deviation) mean = mean.add(deviation.square().mul(gradient), alpha: _scale);
        else mean = mean.add(gradient, alpha: _scale * (_variance == ReverseVariance.Small ? small : large));
        return DdpmSampler.AddNoise(mean, step.NoiseBetween(x, step.From, step.To), estimate, _variance, small, large);
    }
}
