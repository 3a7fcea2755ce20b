namespace Diffusion;

/// <summary>The four numbers that say what a raw network output F means: x̂₀ = Skip·x + Out·F(In·x, Label). (Karras et al. 2022, eq. 7)</summary>
/// <param name="Skip">Factor of the state in the estimate.</param>
/// <param name="Out">Factor of the network's output in the estimate.</param>
/// <param name="In">Factor of the state at the network's input.</param>
/// <param name="Label">What the network is told about the noise.</param>
public readonly record struct Scalings(double Skip, double Out, double In, double Label)
{
    /// <summary>
    /// The factors (a, b) of the target a·x₀ + b·x₁ that F is trained towards: ((1 − Skip·α)/Out, −Skip·σ/Out). Folded in double,
    /// so that no digit is lost at small noise.
    /// </summary>
    public (double Data, double Noise) Target(NoiseLevel level) => ((1 - Skip * level.Alpha) / Out, -Skip * level.Sigma / Out);
}
