using Diffusion.Operators;

namespace Diffusion.Denoisers;

/// <summary>
/// DDNM: puts the measured part of the data in the estimate, x̂₀ ← x̂₀ + A⁺(y − A·x̂₀), and leaves what is not measured to the model. Every estimate, and so every sample, has the measurement exactly;
/// behind a mask the known pixels come back bit for bit. (Wang et al. 2022, algorithm 1)
/// </summary>
/// <remarks>For measurements without noise; with noise it would be copied into the sample: use <c>DdnmSampler</c>. Costs no gradient. The operator must know its singular values.</remarks>
public sealed class NullSpaceDenoiser : DenoiserDecorator
{
    private readonly LinearOperator _operator;
    private readonly Tensor _measurement;
    private readonly bool _keepNoise;

    /// <summary>A denoiser that keeps a measurement.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="operator">A; borrowed.</param>
    /// <param name="measurement">y of each sample, or of one that stands for all; borrowed.</param>
    /// <param name="keepNoise">Whether the state moves along the noise of the original estimate; otherwise it is derived from the new one.</param>
    /// <exception cref="ArgumentException">The operator does not know its singular values.</exception>
    public NullSpaceDenoiser(IDenoiser inner, LinearOperator @operator, Tensor measurement, bool keepNoise = false) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        ArgumentNullException.ThrowIfNull(measurement);
        if (!@operator.HasSpectrum) throw new ArgumentException($"DDNM needs the pseudo-inverse, which {@operator.GetType().Name} does not know; use DPS or ΠGDM.", nameof(@operator));
        (_operator, _measurement, _keepNoise) = (@operator, measurement, keepNoise);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The measurement does not fit the state.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var raw = Inner[0].Denoise(x, at);
        var noise = _keepNoise ? raw.Noise ?? raw.NoiseAt(x, at.Level) : null;
        return new Estimate(_operator.Complete(raw.Data, _measurement), noise, raw.VarianceOutput).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new NullSpaceDenoiser(inner[0], _operator, _measurement, _keepNoise);
}
