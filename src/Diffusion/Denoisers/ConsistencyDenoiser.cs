namespace Diffusion.Denoisers;

/// <summary>
/// The boundary condition of a latent consistency model around its estimate: f(x, t) = c_skip·x + c_out·x̂₀ with c_skip = σ_d²/(s² + σ_d²), c_out = s/√(s² + σ_d²) and s = scaling·label, so that f is
/// the identity at label 0. (Luo et al. 2023, section 4.1 and appendix)
/// </summary>
public sealed class ConsistencyDenoiser : DenoiserDecorator
{
    private readonly NoiseLabel _label;

    /// <summary>The condition around a denoiser.</summary>
    /// <param name="inner">The denoiser; borrowed.</param>
    /// <param name="label">What s is a multiple of, where the grid fixes no label: the timestep of the distilled model.</param>
    /// <param name="scaling">The factor, positive; 10 in the published models.</param>
    /// <param name="sigmaData">σ_d, positive; ½ in the published models.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive and finite.</exception>
    public ConsistencyDenoiser(IDenoiser inner, NoiseLabel label, double scaling = 10, double sigmaData = 0.5) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(label);
        if (!(scaling > 0) || !double.IsFinite(scaling)) throw new ArgumentOutOfRangeException(nameof(scaling), scaling, "The scaling must be positive and finite.");
        if (!(sigmaData > 0) || !double.IsFinite(sigmaData)) throw new ArgumentOutOfRangeException(nameof(sigmaData), sigmaData, "σ_d must be positive and finite.");
        (_label, Scaling, SigmaData) = (label, scaling, sigmaData);
    }

    /// <summary>The factor of the label.</summary>
    public double Scaling { get; }

    /// <summary>σ_d.</summary>
    public double SigmaData { get; }

    /// <summary>f; the noise is that of the state and f.</summary>
    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var s = Scaling * (at.Label ?? _label.At(at.Level));
        var variance = s * s + SigmaData * SigmaData;
        var data = Inner[0].Denoise(x, at).Data;
        return new Estimate(Estimate.Combine(SigmaData * SigmaData / variance, x, s / Math.Sqrt(variance), data)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        return new ConsistencyDenoiser(inner[0], _label, Scaling, SigmaData);
    }
}
