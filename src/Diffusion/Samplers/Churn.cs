namespace Diffusion.Samplers;

/// <summary>
/// Fresh noise before a step: σ̂ rises by the factor 1 + γ, γ = min(amount/steps, √2 − 1), which lets a sampler forget the errors it has made. Settings
/// only. (Karras et al. 2022, algorithm 2, lines 4–6)
/// </summary>
public sealed class Churn
{
    /// <summary>An amount of noise, and where it is added.</summary>
    /// <param name="amount">S_churn, at least 0; shared out over the steps of the run.</param>
    /// <param name="sigmaMin">S_tmin: σ/α below which none is added.</param>
    /// <param name="sigmaMax">S_tmax: σ/α above which none is added.</param>
    /// <param name="noiseScale">S_noise, the standard deviation of the noise; slightly above 1 makes up for a network that removes too much.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative or NaN, or the range is empty.</exception>
    public Churn(double amount, double sigmaMin = 0, double sigmaMax = double.PositiveInfinity, double noiseScale = 1)
    {
        if (!(amount >= 0)) throw new ArgumentOutOfRangeException(nameof(amount), amount, "The amount of churn must be at least 0.");
        if (!(sigmaMin >= 0)) throw new ArgumentOutOfRangeException(nameof(sigmaMin), sigmaMin, "A noise level must be at least 0.");
        if (!(sigmaMax >= sigmaMin)) throw new ArgumentOutOfRangeException(nameof(sigmaMax), sigmaMax, $"The range of churn must not end below its start, {sigmaMin}.");
        if (!(noiseScale >= 0) || !double.IsFinite(noiseScale)) throw new ArgumentOutOfRangeException(nameof(noiseScale), noiseScale, "The scale of the noise must be finite and at least 0.");
        (Amount, SigmaMin, SigmaMax, NoiseScale) = (amount, sigmaMin, sigmaMax, noiseScale);
    }

    /// <summary>S_churn.</summary>
    public double Amount { get; }

    /// <summary>S_tmin.</summary>
    public double SigmaMin { get; }

    /// <summary>S_tmax.</summary>
    public double SigmaMax { get; }

    /// <summary>S_noise.</summary>
    public double NoiseScale { get; }

    /// <summary>γ of a step from a level of σ/α, in a run of a number of steps.</summary>
    public double Rise(double noiseToSignal, int steps) =>
        noiseToSignal >= SigmaMin && noiseToSignal <= SigmaMax && double.IsFinite(noiseToSignal) ? Math.Min(Amount / steps, Math.Sqrt(2) - 1) : 0;

    /// <summary>The state and where it is asked about after churn; as they were where there is none.</summary>
    internal static (Tensor State, NoisePoint At) Apply(Churn? churn, SamplerStep step, Tensor x)
    {
        var (level, sigma) = (step.From, step.From.NoiseToSignal);
        var rise = churn?.Rise(sigma, step.Grid.Count) ?? 0;
        if (rise == 0) return (x, step.At);
        var raised = step.Grid.Schedule.AtOrAboveNoise(sigma * (1 + rise));
        var added = raised.Alpha * sigma * Math.Sqrt(rise * (2 + rise)) * churn!.NoiseScale; // √(σ̂²(1 + γ)² − σ̂²)
        return (new LinearForm { { raised.Alpha / level.Alpha, x }, { added, step.Noise(x) } }.Evaluate(), raised);
    }
}
