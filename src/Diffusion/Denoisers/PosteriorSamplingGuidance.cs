using Diffusion.Operators;

namespace Diffusion.Denoisers;

/// <summary>
/// DPS: guidance by the likelihood of a linear measurement as if the estimate of the data were the data, p(y | x_t) ≈ N(y; A·x̂₀, σ_y²·1). (Chung et al. 2023, eq. 11)
/// </summary>
/// <remarks>
/// Overconfident, since it leaves out the spread of the data: for a standard normal number measured with variance σ_y² the samples have the variance e^(−1/σ_y²) rather than σ_y²/(1 + σ_y²).
/// <see cref="PseudoInverseGuidance"/> has it. <c>DpsSampler</c> is the published algorithm with its step size. Differentiates through the denoiser once a call.
/// </remarks>
public sealed class PosteriorSamplingGuidance : DenoiserDecorator
{
    private readonly LinearOperator _operator;
    private readonly Tensor _measurement;
    private readonly double _noise;

    /// <summary>Guides a denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="operator">A; borrowed.</param>
    /// <param name="measurement">y of each sample, or of one that stands for all; borrowed.</param>
    /// <param name="noise">σ_y, the standard deviation of the measurement's noise; positive.</param>
    /// <param name="scale">Factor of the gradient, finite; 1 is the likelihood itself.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public PosteriorSamplingGuidance(IDenoiser inner, LinearOperator @operator, Tensor measurement, double noise, double scale = 1) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        ArgumentNullException.ThrowIfNull(measurement);
        if (!(noise > 0) || !double.IsFinite(noise))
            throw new ArgumentOutOfRangeException(nameof(noise), noise, "The noise of the measurement is positive and finite; without noise use PseudoInverseGuidance, NullSpaceDenoiser or DpsSampler.");
        (_operator, _measurement, _noise, Scale) = (@operator, measurement, noise, LikelihoodShift.CheckScale(scale));
    }

    /// <summary>Factor of the gradient.</summary>
    public double Scale { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is pure noise (α = 0), or the measurement does not fit it.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at) => LikelihoodShift.OfMeasurement(Inner[0], x, at, Scale, _operator, _measurement, 0, _noise * _noise);

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new PosteriorSamplingGuidance(inner[0], _operator, _measurement, _noise, Scale);
}
