namespace Diffusion;

/// <summary>
/// How much data and how much noise a state x = α·x₀ + σ·x₁ holds at one time, with the slopes of both. Plain numbers: no
/// tensor, no device. Any α ≥ 0 and σ ≥ 0, not both zero, is a legal level, also one that no schedule names.
/// </summary>
/// <param name="Time">Time in [0, 1], 0 data and 1 noise; NaN for a level that no schedule names.</param>
/// <param name="Alpha">α, the factor of the data.</param>
/// <param name="Sigma">σ, the standard deviation of the noise.</param>
/// <param name="AlphaDot">dα/dt.</param>
/// <param name="SigmaDot">dσ/dt; infinite at the data end of a variance-preserving process.</param>
public readonly record struct NoiseLevel(double Time, double Alpha, double Sigma, double AlphaDot, double SigmaDot)
{
    /// <summary>d(σ²)/dt. A schedule sets it where σ = 0 and <see cref="SigmaDot"/> is infinite: the limit is finite.</summary>
    public double VarianceDot { get; init; } = 2 * Sigma * SigmaDot;

    /// <summary>Logarithm of the signal-to-noise ratio, 2·ln(α/σ): +∞ for clean data, −∞ for pure noise. (Kingma et al. 2021)</summary>
    public double LogSnr => 2 * (Math.Log(Alpha) - Math.Log(Sigma));

    /// <summary>σ/α, the noise level once the data's factor is divided out: the σ of Karras et al. 2022. Infinite where α = 0.</summary>
    public double NoiseToSignal => Sigma / Alpha;

    /// <summary>f of the forward equation dx = f·x dt + g dw (Song et al. 2021); −∞ where α = 0.</summary>
    public double Drift => AlphaDot == 0 ? 0 : AlphaDot / Alpha;

    /// <summary>g² of the forward equation, d(σ²)/dt − 2fσ²; infinite where α = 0.</summary>
    public double DiffusionSquared => VarianceDot - (Sigma == 0 ? 0 : 2 * Drift * Sigma * Sigma);

    /// <summary>Whether nothing but data is left (σ = 0): a sampler answers with its estimate of the data here.</summary>
    public bool IsClean => Sigma == 0;

    /// <summary>A level that no schedule names, for example one that churn reached. Its time and slopes are NaN.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative or not finite, or both are zero.</exception>
    public static NoiseLevel Of(double alpha, double sigma)
    {
        if (!double.IsFinite(alpha) || alpha < 0) throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "α must be finite and at least 0.");
        if (!double.IsFinite(sigma) || sigma < 0) throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "σ must be finite and at least 0.");
        if (alpha == 0 && sigma == 0) throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "α and σ are both 0: the level holds neither data nor noise.");
        return new NoiseLevel(double.NaN, alpha, sigma, double.NaN, double.NaN);
    }
}
