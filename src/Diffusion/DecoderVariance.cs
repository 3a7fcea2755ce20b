namespace Diffusion;

/// <summary>The variance of the last reverse step, to clean data, where the posterior's is 0 and no density or logarithm of it would be left.</summary>
public enum DecoderVariance
{
    /// <summary>The posterior's of the step before, β̃₁: the published models, fixed and learned. (Nichol and Dhariwal 2021)</summary>
    PosteriorBefore,

    /// <summary>The forward kernel's, β₀.</summary>
    Forward,
}
