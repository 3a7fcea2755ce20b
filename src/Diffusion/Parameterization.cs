namespace Diffusion;

/// <summary>
/// What a raw network output means as an estimate of the data. The presets are the quantities that networks of the literature
/// predict. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// <see cref="Epsilon"/> and <see cref="Score"/> divide by α: they are undefined on pure noise, and multiply a network's error by σ/α
/// at the noisy end. <see cref="V"/>, <see cref="Data"/>, <see cref="Velocity"/> and <see cref="Edm"/> have no such end.
/// </remarks>
public abstract class Parameterization
{
    /// <summary>The four numbers at a level. They are infinite where the preset is undefined.</summary>
    public abstract Scalings At(NoiseLevel level);

    /// <summary>What the preset is called; for messages and configuration files.</summary>
    public abstract string Name { get; }

    /// <summary>What the network is told about the noise.</summary>
    public abstract NoiseLabel Label { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>F is the noise: x̂₀ = (x − σF)/α. (Ho et al. 2020)</summary>
    /// <param name="label">What the network is told; <see cref="NoiseLabel.Default"/> if null. The same for all presets but EDM.</param>
    public static Parameterization Epsilon(NoiseLabel? label = null) =>
        new Preset("epsilon", label, static l => (1 / l.Alpha, -l.Sigma / l.Alpha, 1));

    /// <summary>F is the data itself.</summary>
    /// <inheritdoc cref="Epsilon" path="/param"/>
    public static Parameterization Data(NoiseLabel? label = null) =>
        new Preset("data", label, static _ => (0, 1, 1));

    /// <summary>F is v = αε − σx₀ (Salimans and Ho 2022); where α² + σ² is not 1, x̂₀ = (αx − σF)/(α² + σ²).</summary>
    /// <inheritdoc cref="Epsilon" path="/param"/>
    public static Parameterization V(NoiseLabel? label = null) => new Preset("v", label, static l =>
    {
        var power = l.Alpha * l.Alpha + l.Sigma * l.Sigma;
        return (l.Alpha / power, -l.Sigma / power, 1);
    });

    /// <summary>F is the score ∇ln p_t(x) = −ε/σ: x̂₀ = (x + σ²F)/α, Tweedie's formula. (Song et al. 2021)</summary>
    /// <inheritdoc cref="Epsilon" path="/param"/>
    public static Parameterization Score(NoiseLabel? label = null) =>
        new Preset("score", label, static l => (1 / l.Alpha, l.Sigma * l.Sigma / l.Alpha, 1));

    /// <summary>F is the velocity u = α̇x₀ + σ̇ε, in our direction of time: x₁ − x₀ for rectified flow. (Liu et al. 2022, Lipman et al. 2022)</summary>
    /// <inheritdoc cref="Epsilon" path="/param"/>
    public static Parameterization Velocity(NoiseLabel? label = null) => new Preset("velocity", label, static l =>
    {
        if (double.IsInfinity(l.SigmaDot)) return (1 / l.Alpha, 0, 1);
        var wronskian = l.SigmaDot * l.Alpha - l.Sigma * l.AlphaDot;
        return (l.SigmaDot / wronskian, -l.Sigma / wronskian, 1);
    });

    /// <summary>Karras et al. 2022, table 1: unit variance in, out and target, for data of standard deviation σ_data.</summary>
    /// <param name="sigmaData">Standard deviation of the data; positive. 0.5 in the paper.</param>
    /// <param name="label">What the network is told; <see cref="NoiseLabel.QuarterLogSigma"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigmaData"/> is not positive and finite.</exception>
    public static Parameterization Edm(double sigmaData = 0.5, NoiseLabel? label = null) => new EdmParameterization(sigmaData, label);

    /// <summary>
    /// A consistency model: EDM's preconditioning moved so that the estimate is the state itself at σ/α = σ_min, c_skip = σ_d²/((σ − σ_min)² + σ_d²) and
    /// c_out = σ_d(σ − σ_min)/√(σ² + σ_d²) in σ = σ/α. (Song et al. 2023, appendix C)
    /// </summary>
    /// <param name="sigmaData">Standard deviation of the data, σ_d; positive. 0.5 in the paper.</param>
    /// <param name="sigmaMin">σ_min, at least 0; 0.002 in the paper.</param>
    /// <param name="label">What the network is told; <see cref="NoiseLabel.QuarterLogSigma"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Parameterization Consistency(double sigmaData = 0.5, double sigmaMin = 0.002, NoiseLabel? label = null) => new ConsistencyParameterization(sigmaData, sigmaMin, label);

    /// <summary>
    /// The same network on states of any scale: the state is divided by √(α² + σ²) first. A network that was trained on variance-preserving
    /// states is so used on variance-exploding ones.
    /// </summary>
    /// <param name="inner">What the output means for states with α² + σ² = 1.</param>
    public static Parameterization Normalized(Parameterization inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        return new NormalizedParameterization(inner);
    }

    private sealed class Preset(string name, NoiseLabel? label, Func<NoiseLevel, (double Skip, double Out, double In)> scalings) : Parameterization
    {
        public override string Name => name;

        public override NoiseLabel Label { get; } = label ?? NoiseLabel.Default;

        public override Scalings At(NoiseLevel level)
        {
            var (skip, output, input) = scalings(level);
            return new Scalings(skip, output, input, Label.At(level));
        }
    }
}
