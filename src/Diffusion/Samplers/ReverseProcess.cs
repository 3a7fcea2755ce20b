namespace Diffusion.Samplers;

/// <summary>
/// The equations that run the forward process dx = f·x dt + g dw backwards: dx = [f·x − ½(1 + η²)g²·∇ln p] dt + η·g dw̄. All have its marginals: η = 1 is
/// the reverse equation of Anderson 1982, η = 0 the flow. (Song et al. 2021, eq. 6 and 13; Karras et al. 2022, eq. 6)
/// </summary>
internal static class ReverseProcess
{
    /// <summary>Refuses an η that is negative or not finite.</summary>
    public static double CheckEta(double eta) => eta >= 0 && double.IsFinite(eta) ? eta
        : throw new ArgumentOutOfRangeException(nameof(eta), eta, "η must be finite and at least 0: 0 is the flow, 1 the reverse equation.");

    /// <summary>The drift dx/dt at a state, as a form: f·x + ½(1 + η²)(g²/σ)·ε̂.</summary>
    public static LinearForm Drift(Estimate estimate, Tensor x, NoiseLevel level, double eta) => Drift(estimate, new LinearForm { { 1, x } }, level, eta);

    /// <inheritdoc cref="Drift(Estimate, Tensor, NoiseLevel, double)"/>
    public static LinearForm Drift(Estimate estimate, LinearForm x, NoiseLevel level, double eta) => new()
    {
        { level.Drift, x },
        { (1 + eta * eta) / 2 * level.DiffusionSquared / level.Sigma, LinearForm.Noise(estimate, x, level) },
    };

    /// <summary>Refuses a level at which the equation has no coefficients.</summary>
    public static void Check(NoiseLevel level, string sampler)
    {
        if (double.IsNaN(level.Time) || double.IsNaN(level.SigmaDot))
            throw new ArgumentException(
                $"{sampler} steps in time, but the level α = {level.Alpha:g6}, σ = {level.Sigma:g6} has none. Give it a grid of a schedule's own levels.", nameof(level));
        if (!double.IsFinite(level.DiffusionSquared))
            throw new ArgumentException(
                $"{sampler} cannot be at t = {level.Time:g6}: α = {level.Alpha:g6} and the diffusion g² of the process is infinite there. Start below t = 1, "
                + "for example with TimeGrid.Uniform(schedule, steps, from: 0.999), or use a sampler of the flow.", nameof(level));
    }
}
