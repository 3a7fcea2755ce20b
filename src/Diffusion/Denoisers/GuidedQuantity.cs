namespace Diffusion.Denoisers;

/// <summary>In which unit a rule that is not linear compares estimates.</summary>
public enum GuidedQuantity
{
    /// <summary>The data, x̂₀.</summary>
    Data,

    /// <summary>The noise, ε̂: where a published pipeline's network predicts that.</summary>
    Noise,

    /// <summary>The velocity α̇x̂₀ + σ̇ε̂, where the level's slopes are known.</summary>
    Velocity,
}
