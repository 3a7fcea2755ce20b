namespace Diffusion.Samplers;

/// <summary>How <see cref="PndmSampler"/> takes its first three steps, before it has the four evaluations that its formula needs.</summary>
public enum PndmWarmUp
{
    /// <summary>Pseudo Runge–Kutta steps of four evaluations each: PNDM. (Liu et al. 2022, algorithm 1)</summary>
    RungeKutta,

    /// <summary>One step of two evaluations, then the Adams–Bashforth formulas of order 2 and 3: the PLMS of latent diffusion.</summary>
    ImprovedEuler,

    /// <summary>The Adams–Bashforth formulas of order 1, 2 and 3, one evaluation each: iPNDM. (Zhang and Chen 2022, section 4)</summary>
    LowerOrders,
}
