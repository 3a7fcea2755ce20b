namespace Diffusion;

/// <summary>What a raw network output F means as an estimate of the data: x̂₀ = Skip·x + Out·F(In·x, Label).</summary>
public abstract class Parameterization;
