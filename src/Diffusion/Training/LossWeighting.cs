namespace Diffusion.Training;

/// <summary>
/// How much each noise level counts in the loss, stated as the weight w on ‖x̂₀ − x₀‖², so that one weighting means the same whatever the
/// network predicts. Immutable and thread-safe.
/// </summary>
public abstract class LossWeighting
{
    /// <summary>w at a level.</summary>
    /// <param name="level">The noise level; σ &gt; 0.</param>
    /// <param name="scalings">The parameterization's numbers at that level.</param>
    public abstract double At(NoiseLevel level, Scalings scalings);

    /// <summary>The weight on ‖F − target‖², which is w·Out².</summary>
    /// <inheritdoc cref="At" path="/param"/>
    public virtual double OfOutput(NoiseLevel level, Scalings scalings) => At(level, scalings) * scalings.Out * scalings.Out;

    /// <summary>The plain mean squared error of the network's output, whatever it predicts: L_simple for ε (Ho et al. 2020), the usual loss of v, velocity and data networks.</summary>
    public static LossWeighting Simple { get; } = new OutputError();

    /// <summary>1: the mean squared error of the data.</summary>
    public static LossWeighting Data { get; } = new OfLevel(static _ => 1);

    /// <summary>SNR = α²/σ²: the mean squared error of ε.</summary>
    public static LossWeighting Snr { get; } = new OfLevel(SnrOf);

    /// <summary>1 + SNR: the mean squared error of v where α² + σ² = 1. (Salimans and Ho 2022)</summary>
    public static LossWeighting SnrPlusOne { get; } = new OfLevel(static level => 1 + SnrOf(level));

    /// <summary>((σ̇α − σα̇)/σ)²: the mean squared error of the velocity; 1/t² for rectified flow. (Lipman et al. 2022)</summary>
    public static LossWeighting Velocity { get; } = new OfLevel(static level =>
    {
        var rate = level.SigmaDot / level.Sigma * level.Alpha - level.AlphaDot;
        return rate * rate;
    });

    /// <summary>−½·dSNR/dt: the variational bound in continuous time; with it and uniform times the loss is in nats. (Kingma et al. 2021)</summary>
    public static LossWeighting Likelihood { get; } = new OfLevel(static level =>
        SnrOf(level) * level.SigmaDot / level.Sigma - level.Alpha * level.AlphaDot / (level.Sigma * level.Sigma));

    /// <summary>SNR + 1/σ_data²: unit weight on the output of an EDM network. (Karras et al. 2022, table 1)</summary>
    /// <param name="sigmaData">Standard deviation of the data, positive; 0.5 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigmaData"/> is not positive and finite.</exception>
    public static LossWeighting Edm(double sigmaData = 0.5)
    {
        CheckPositive(sigmaData, nameof(sigmaData));
        return new OfLevel(level => SnrOf(level) + 1 / (sigmaData * sigmaData));
    }

    /// <summary>min(SNR, γ). (Hang et al. 2023)</summary>
    /// <param name="gamma">γ, positive; 5 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gamma"/> is not positive and finite.</exception>
    public static LossWeighting MinSnr(double gamma = 5)
    {
        CheckPositive(gamma, nameof(gamma));
        return new OfLevel(level => Math.Min(SnrOf(level), gamma));
    }

    /// <summary>γ·SNR/(SNR + γ) = 1/(σ²/α² + 1/γ): <see cref="MinSnr"/> without its corner. For data of standard deviation s, γ = 1/s² is k-diffusion's. (Crowson et al. 2024)</summary>
    /// <param name="gamma">γ, positive.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gamma"/> is not positive and finite.</exception>
    public static LossWeighting SoftMinSnr(double gamma = 5)
    {
        CheckPositive(gamma, nameof(gamma));
        return new OfLevel(level => 1 / (level.NoiseToSignal * level.NoiseToSignal + 1 / gamma));
    }

    /// <summary>SNR/(k + SNR)^γ. (Choi et al. 2022)</summary>
    /// <param name="k">k, positive; 1 in the paper.</param>
    /// <param name="gamma">γ, at least 0 and finite; 1 in the paper, 0 is <see cref="Snr"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static LossWeighting P2(double k = 1, double gamma = 1)
    {
        CheckPositive(k, nameof(k));
        if (!(gamma >= 0) || !double.IsFinite(gamma)) throw new ArgumentOutOfRangeException(nameof(gamma), gamma, "γ must be finite and at least 0.");
        return new OfLevel(level => SnrOf(level) * Math.Pow(k + SnrOf(level), -gamma));
    }

    /// <summary>A weighting of your own.</summary>
    /// <param name="weight">w at a level; called on the thread that trains.</param>
    public static LossWeighting Of(Func<NoiseLevel, double> weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return new OfLevel(weight);
    }

    private static double SnrOf(NoiseLevel level) => level.Alpha * level.Alpha / (level.Sigma * level.Sigma);

    private static void CheckPositive(double value, string name)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"{name} must be positive and finite.");
    }

    private sealed class OfLevel(Func<NoiseLevel, double> weight) : LossWeighting
    {
        public override double At(NoiseLevel level, Scalings scalings) => weight(level);
    }

    private sealed class OutputError : LossWeighting
    {
        public override double At(NoiseLevel level, Scalings scalings) => 1 / (scalings.Out * scalings.Out);

        public override double OfOutput(NoiseLevel level, Scalings scalings) => 1;
    }
}
