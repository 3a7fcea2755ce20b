namespace Diffusion.Schedules;

/// <summary>The noise rate β(t) = β₀ + t·(β₁ − β₀) of the score-based processes, and its integral B. (Song et al. 2021, eq. 32)</summary>
internal sealed class LinearRate
{
    public LinearRate(double betaMin, double betaMax)
    {
        if (!(betaMin >= 0) || !double.IsFinite(betaMin)) throw new ArgumentOutOfRangeException(nameof(betaMin), betaMin, "β must be finite and at least 0.");
        if (!(betaMax >= betaMin) || !(betaMax > 0) || !double.IsFinite(betaMax))
            throw new ArgumentOutOfRangeException(nameof(betaMax), betaMax, $"The final β must be positive, finite and at least the first ({betaMin}).");
        Start = betaMin;
        End = betaMax;
    }

    public double Start { get; }

    public double End { get; }

    public double At(double time) => Start + (End - Start) * time;

    /// <summary>B(t) = ∫β from 0 to t.</summary>
    public double Integral(double time) => Start * time + (End - Start) * time * time / 2;

    /// <summary>The t at which B(t) has a value; above 1 where it is not reached.</summary>
    public double TimeAtIntegral(double integral)
    {
        var slope = End - Start;
        return 2 * integral / (Start + Math.Sqrt(Start * Start + 2 * slope * integral)); // the root of ½·slope·t² + β₀·t = B without cancellation
    }
}
