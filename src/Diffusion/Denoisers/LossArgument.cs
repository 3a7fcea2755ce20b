namespace Diffusion.Denoisers;

/// <summary>What a guiding loss looks at.</summary>
public enum LossArgument
{
    /// <summary>The estimate of the data, x̂₀: losses for clean data. Differentiates through the denoiser.</summary>
    Estimate,

    /// <summary>The noisy state, x_t: losses that know the level. Does not differentiate through the denoiser.</summary>
    State,
}
