namespace Diffusion.Samplers;

/// <summary>Which estimate an exponential integrator takes for a polynomial in log-SNR between its points; everything else it solves exactly.</summary>
public enum SolverVariable
{
    /// <summary>x̂₀: DPM-Solver++. Bounded, so stable under strong guidance. (Lu et al. 2022b)</summary>
    Data,

    /// <summary>ε̂: DPM-Solver, DEIS. Undefined on pure noise (α = 0). (Lu et al. 2022a; Zhang and Chen 2022)</summary>
    Noise,
}
