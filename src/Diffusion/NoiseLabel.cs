namespace Diffusion;

/// <summary>
/// What a network is told about the noise: the last of the four <see cref="Scalings"/>. Published checkpoints fix it; new models
/// use <see cref="Default"/>.
/// </summary>
public abstract class NoiseLabel
{
    /// <summary>1000·t, the label of new models: in the range that sinusoidal embeddings are made for.</summary>
    public static NoiseLabel Default { get; } = Time(1000);

    /// <summary>¼·ln(σ/α), the label of EDM networks. (Karras et al. 2022, table 1)</summary>
    public static NoiseLabel QuarterLogSigma { get; } = new FromLevel(static level => 0.25 * Math.Log(level.NoiseToSignal));

    /// <summary>ln(σ/α).</summary>
    public static NoiseLabel LogSigma { get; } = new FromLevel(static level => Math.Log(level.NoiseToSignal));

    /// <summary>σ/α itself.</summary>
    public static NoiseLabel NoiseToSignal { get; } = new FromLevel(static level => level.NoiseToSignal);

    /// <summary>scale·t.</summary>
    /// <param name="scale">Finite and not 0; 1 gives the time itself, 999 and 1000 are common.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is 0 or not finite.</exception>
    public static NoiseLabel Time(double scale = 1)
    {
        if (!double.IsFinite(scale) || scale == 0) throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale of a time label must be finite and not 0.");
        return new FromLevel(level => scale * level.Time);
    }

    /// <summary>The integer timestep of a discrete schedule of a number of steps: t·steps − 1, so 0 … steps − 1. (Ho et al. 2020)</summary>
    /// <param name="trainingSteps">Number of training timesteps, T.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="trainingSteps"/> is less than 1.</exception>
    public static NoiseLabel Timestep(int trainingSteps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainingSteps, 1);
        return new FromLevel(level => level.Time * trainingSteps - 1);
    }

    /// <summary>The label at a level.</summary>
    public abstract double At(NoiseLevel level);

    private sealed class FromLevel(Func<NoiseLevel, double> label) : NoiseLabel
    {
        public override double At(NoiseLevel level) => label(level);
    }
}
