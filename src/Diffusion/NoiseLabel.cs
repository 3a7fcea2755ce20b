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
    public static NoiseLabel QuarterLogSigma { get; } = new FromLevel("quarter-log-sigma", 1, static level => 0.25 * Math.Log(level.NoiseToSignal));

    /// <summary>ln(σ/α).</summary>
    public static NoiseLabel LogSigma { get; } = new FromLevel("log-sigma", 1, static level => Math.Log(level.NoiseToSignal));

    /// <summary>σ/α itself.</summary>
    public static NoiseLabel NoiseToSignal { get; } = new FromLevel("sigma", 1, static level => level.NoiseToSignal);

    /// <summary>scale·t.</summary>
    /// <param name="scale">Finite and not 0; 1 gives the time itself, 999 and 1000 are common.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is 0 or not finite.</exception>
    public static NoiseLabel Time(double scale = 1)
    {
        if (!double.IsFinite(scale) || scale == 0) throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale of a time label must be finite and not 0.");
        return new FromLevel("time", scale, level => scale * level.Time);
    }

    /// <summary>The integer timestep of a discrete schedule of a number of steps: t·steps − 1, so 0 … steps − 1. (Ho et al. 2020)</summary>
    /// <param name="trainingSteps">Number of training timesteps, T.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="trainingSteps"/> is less than 1.</exception>
    public static NoiseLabel Timestep(int trainingSteps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainingSteps, 1);
        return new FromLevel("timestep", trainingSteps, level => level.Time * trainingSteps - 1);
    }

    /// <summary>The label at a level.</summary>
    public abstract double At(NoiseLevel level);

    /// <summary>What the label is called; for messages and configuration files.</summary>
    public abstract string Name { get; }

    /// <summary>Its number: the scale of a time, the training steps of a timestep; 1 for the others.</summary>
    public virtual double Scale => 1;

    /// <inheritdoc/>
    public override string ToString() => Name;

    private sealed class FromLevel(string name, double scale, Func<NoiseLevel, double> label) : NoiseLabel
    {
        public override string Name => name;

        public override double Scale => scale;

        public override double At(NoiseLevel level) => label(level);
    }
}
