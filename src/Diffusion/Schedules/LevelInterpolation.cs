namespace Diffusion.Schedules;

/// <summary>What a discrete schedule keeps linear between two timesteps.</summary>
public enum LevelInterpolation
{
    /// <summary>The log-SNR (equally ln(σ/α)).</summary>
    LogSnr,

    /// <summary>σ/α.</summary>
    NoiseToSignal,
}
