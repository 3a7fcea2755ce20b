namespace Diffusion;

/// <summary>What a network of a stochastic interpolant x_t = α·x₀ + β·x₁ + γ·z is trained towards, and so what it returns.</summary>
public enum InterpolantTarget
{
    /// <summary>The velocity b = E[α̇x₀ + β̇x₁ + γ̇z | x_t]: all that the flow needs. Its variance is infinite where γ̇ is: keep times away from such an end.</summary>
    Velocity,

    /// <summary>The part of the ends, E[α̇x₀ + β̇x₁ | x_t], and the noise E[z | x_t] behind it, in twice the channels (the second axis): from both follow velocity and score, and neither target is large anywhere.</summary>
    DriftAndNoise,

    /// <summary>The noise η = E[z | x_t] alone, also called the denoiser; the score is −η/γ.</summary>
    Noise,
}
