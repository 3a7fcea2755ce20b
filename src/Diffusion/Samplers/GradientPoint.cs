namespace Diffusion.Samplers;

/// <summary>Where the gradient of a guided ancestral step is taken.</summary>
public enum GradientPoint
{
    /// <summary>At the state x_t: what the published program does.</summary>
    State,

    /// <summary>At the predicted mean of the step: what the paper's derivation asks for. (Dhariwal and Nichol 2021, section 4.1)</summary>
    Mean,
}
