namespace Diffusion.Samplers;

/// <summary>How an exponential integrator of second order weighs the first difference of its estimates; the two differ by O(h³). (Lu et al. 2022a, eq. 4.1 and appendix B)</summary>
public enum SecondOrder
{
    /// <summary>½·φ₁: the estimate is taken to stand at its extrapolated value in the middle of the step.</summary>
    Midpoint,

    /// <summary>φ₂: the estimate is taken to change linearly in log-SNR over the step; in the literature "heun".</summary>
    Heun,
}
