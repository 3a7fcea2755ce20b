namespace Diffusion.Integration;

/// <summary>In which variables the flow of a schedule is integrated. The exact solution is the same; steps and errors are not.</summary>
public enum FlowVariable
{
    /// <summary>
    /// The angle φ = arctan(σ/α) and the state y = x/√(α² + σ²): dy/dφ = cos φ·ε̂ − sin φ·x̂₀. There the flow of every schedule is one and the same and its slope is
    /// finite from clean data (φ = 0) to pure noise (φ = π/2), so the schedule has no part in the error.
    /// </summary>
    Angle,

    /// <summary>The schedule's own time and the state as it is: dx/dt = α̇·x̂₀ + σ̇·ε̂. Needs levels with a time and finite slopes.</summary>
    Time,
}
