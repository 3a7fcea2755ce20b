namespace Diffusion;

/// <summary>
/// The Gaussian facts about a pair of levels, s less noisy than t: the forward kernel q(x_t | x_s) and the posterior
/// q(x_s | x_t, x₀). All differences are taken in log-SNR, so that close levels lose no digits. (Ho et al. 2020, eq. 6–7; Kingma et al. 2021)
/// </summary>
public readonly record struct Transition
{
    private readonly double _noiseGain; // 1 − SNR_t/SNR_s

    /// <summary>The pair of levels.</summary>
    /// <param name="noisier">t.</param>
    /// <param name="cleaner">s; its signal-to-noise ratio must be at least that of t, and its α positive.</param>
    /// <exception cref="ArgumentException">The levels are in the other order, or the cleaner one holds no data.</exception>
    public Transition(NoiseLevel noisier, NoiseLevel cleaner)
    {
        if (!(cleaner.LogSnr >= noisier.LogSnr))
            throw new ArgumentException($"This step needs less noise at its end: log-SNR runs from {noisier.LogSnr:g6} to {cleaner.LogSnr:g6}.", nameof(cleaner));
        if (cleaner.Alpha == 0)
            throw new ArgumentException("Both levels are pure noise (α = 0); the cleaner one must hold data.", nameof(cleaner));
        Noisier = noisier;
        Cleaner = cleaner;
        _noiseGain = cleaner.LogSnr == noisier.LogSnr ? 0 : -Exponentials.Expm1(noisier.LogSnr - cleaner.LogSnr);
    }

    /// <summary>t.</summary>
    public NoiseLevel Noisier { get; }

    /// <summary>s.</summary>
    public NoiseLevel Cleaner { get; }

    /// <summary>α_t/α_s, the forward kernel's factor of x_s.</summary>
    public double AlphaRatio => Noisier.Alpha / Cleaner.Alpha;

    /// <summary>Variance of the forward kernel, σ_t² − (α_t/α_s)²σ_s²: β_t where s is one step below t.</summary>
    public double ForwardVariance => Noisier.Sigma * Noisier.Sigma * _noiseGain;

    /// <summary>Variance of the posterior, β̃_t where s is one step below t.</summary>
    public double PosteriorVariance => Cleaner.Sigma * Cleaner.Sigma * _noiseGain;

    /// <summary>Factor of x_t in the posterior's mean.</summary>
    public double PosteriorState => AlphaRatio * Cleaner.Sigma * Cleaner.Sigma / (Noisier.Sigma * Noisier.Sigma);

    /// <summary>Factor of x₀ in the posterior's mean.</summary>
    public double PosteriorData => Cleaner.Alpha * _noiseGain;
}
