namespace Diffusion.Denoisers;

/// <summary>
/// Guidance by any differentiable loss: the score gets −γ·∇ₓ loss, as if the loss were −ln p(y | x). The loss may look at the noisy state, or at the estimate of the data, through which the gradient
/// then passes, so that a loss for clean data serves. (Bansal et al. 2023, "Universal guidance", forward part; Chung et al. 2023)
/// </summary>
public sealed class LossGuidance : DenoiserDecorator
{
    private readonly Func<Tensor, NoisePoint, Tensor> _loss;
    private readonly LossArgument _argument;

    /// <summary>Guides a denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="loss">The loss of each sample, [batch], or of all, a scalar. Borrows its argument.</param>
    /// <param name="scale">γ, finite; 1 takes the loss for −ln p(y | x).</param>
    /// <param name="argument">What the loss looks at.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is not finite, or there is no such argument.</exception>
    public LossGuidance(IDenoiser inner, Func<Tensor, NoisePoint, Tensor> loss, double scale = 1, LossArgument argument = LossArgument.Estimate) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (!Enum.IsDefined(argument)) throw new ArgumentOutOfRangeException(nameof(argument), argument, "There is no such argument of a loss.");
        (_loss, Scale, _argument) = (loss, LikelihoodShift.CheckScale(scale), argument);
    }

    /// <summary>γ.</summary>
    public double Scale { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is pure noise (α = 0).</exception>
    /// <exception cref="InvalidOperationException">The loss does not depend on the state.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at) =>
        LikelihoodShift.Of(Inner[0], x, at, -Scale, _argument == LossArgument.Estimate, (value, leaf, differentiable) => Differentiation.Gradient(_loss(value, at), leaf, differentiable: differentiable));

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new LossGuidance(inner[0], _loss, Scale, _argument);
}
