namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The noise levels of the published flow-matching schedulers: equal steps, a shift, a stretch to a given last level, a ramp.</summary>
internal static class FlowMatchLevels
{
    /// <summary>σ' = sσ/(1 + (s − 1)σ). (Esser et al. 2024, eq. 23)</summary>
    public static double Shift(double sigma, double shift) => shift * sigma / (1 + (shift - 1) * sigma);

    /// <summary>n levels between the ends of the trained ladder. Quirk: those ends are shifted already, and are shifted again with the rest.</summary>
    public static double[] Shifted(int trainingSteps, int steps, double shift) => Array.ConvertAll(
        PublishedTimesteps.Linspace(Shift(1, shift) * trainingSteps, Shift(1.0 / trainingSteps, shift) * trainingSteps, steps), t => Shift(t / trainingSteps, shift));

    /// <summary>The ladder that <see cref="SigmaLadder"/> makes a grid of: labels σ·T, ending at clean data.</summary>
    public static SigmaLadder Ladder(double[] sigmas, int trainingSteps) => new(sigmas, Array.ConvertAll(sigmas, sigma => sigma * trainingSteps), 0);
}
