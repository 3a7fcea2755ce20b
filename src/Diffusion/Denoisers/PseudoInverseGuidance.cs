using Diffusion.Operators;

namespace Diffusion.Denoisers;

/// <summary>
/// ΠGDM: guidance by the likelihood of a linear measurement with the data's spread taken into account, p(y | x_t) ≈ N(y; A·x̂₀, r²·A·Aᵀ + σ_y²·1) with r² = s²σ̂²/(s² + σ̂²), σ̂ = σ/α. Exact for data that is N(·, s²·1).
/// (Song et al. 2023, eq. 7–8)
/// </summary>
/// <remarks>Differentiates through the denoiser once a call. Its samples have the measurement nearly; wrap it in <see cref="NullSpaceDenoiser"/> for exactly.</remarks>
public sealed class PseudoInverseGuidance : DenoiserDecorator
{
    private readonly LinearOperator _operator;
    private readonly Tensor _measurement;
    private readonly double _noise;
    private readonly double _data;

    /// <summary>Guides a denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="operator">A; borrowed.</param>
    /// <param name="measurement">y of each sample, or of one that stands for all; borrowed.</param>
    /// <param name="noise">σ_y, the standard deviation of the measurement's noise; at least 0.</param>
    /// <param name="dataDeviation">s, the standard deviation of the data; positive, 1 in the paper.</param>
    /// <param name="scale">Factor of the gradient, finite; 1 is the likelihood itself.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public PseudoInverseGuidance(IDenoiser inner, LinearOperator @operator, Tensor measurement, double noise = 0, double dataDeviation = 1, double scale = 1) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        ArgumentNullException.ThrowIfNull(measurement);
        if (!(noise >= 0) || !double.IsFinite(noise)) throw new ArgumentOutOfRangeException(nameof(noise), noise, "The noise of the measurement is finite and at least 0.");
        if (!(dataDeviation > 0) || !double.IsFinite(dataDeviation)) throw new ArgumentOutOfRangeException(nameof(dataDeviation), dataDeviation, "The standard deviation of the data is positive and finite.");
        (_operator, _measurement, _noise, _data, Scale) = (@operator, measurement, noise, dataDeviation, LikelihoodShift.CheckScale(scale));
    }

    /// <summary>Factor of the gradient.</summary>
    public double Scale { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is pure noise (α = 0), or the measurement does not fit it.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        var (data, noise) = (_data * _data, at.Level.NoiseToSignal * at.Level.NoiseToSignal);
        return LikelihoodShift.OfMeasurement(Inner[0], x, at, Scale, _operator, _measurement, data * noise / (data + noise), _noise * _noise);
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new PseudoInverseGuidance(inner[0], _operator, _measurement, _noise, _data, Scale);
}
