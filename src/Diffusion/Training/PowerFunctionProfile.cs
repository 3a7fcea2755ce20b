namespace Diffusion.Training;

/// <summary>
/// What a power-function average remembers: the weights of time τ count p(τ) = (γ + 1)·τ^γ/t^(γ+1) for τ in [0, t], and 0 after. Plain numbers.
/// (Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models", section 3.1 and appendix C)
/// </summary>
/// <remarks>An update s of <see cref="AveragingRule.PowerFunction"/> counts exactly ∫p from s − 1 to s.</remarks>
public readonly record struct PowerFunctionProfile
{
    /// <summary>A profile by its exponent.</summary>
    /// <param name="gamma">γ, at least 0 and finite.</param>
    /// <param name="updates">t, the updates until then, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PowerFunctionProfile(double gamma, long updates)
    {
        if (!(gamma >= 0) || !double.IsFinite(gamma)) throw new ArgumentOutOfRangeException(nameof(gamma), gamma, "γ must be finite and at least 0.");
        ArgumentOutOfRangeException.ThrowIfLessThan(updates, 1);
        (Gamma, Updates) = (gamma, updates);
    }

    /// <summary>γ.</summary>
    public double Gamma { get; }

    /// <summary>t, the updates until then.</summary>
    public long Updates { get; }

    /// <summary>The standard deviation of the profile as a share of t.</summary>
    public double Width => PowerFunctionRule.WidthOf(Gamma);

    /// <summary>A profile by its relative width.</summary>
    /// <param name="width">In (0, 1/√12]; 0.05 and 0.10 in the paper.</param>
    /// <param name="updates">t, the updates until then, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static PowerFunctionProfile OfWidth(double width, long updates) => new(PowerFunctionRule.GammaOf(width), updates);

    /// <summary>p(τ).</summary>
    /// <param name="time">τ, at least 0, in updates.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative or NaN.</exception>
    public double At(double time)
    {
        if (!(time >= 0)) throw new ArgumentOutOfRangeException(nameof(time), time, "Time begins at 0.");
        return time > Updates ? 0 : (Gamma + 1) / Updates * Math.Pow(time / Updates, Gamma);
    }

    /// <summary>∫p·q dτ in closed form. (Karras et al. 2024, appendix C.2)</summary>
    /// <param name="other">q.</param>
    public double InnerProduct(PowerFunctionProfile other)
    {
        var (early, late) = Updates <= other.Updates ? (this, other) : (other, this);
        return (early.Gamma + 1) * (late.Gamma + 1) / ((early.Gamma + late.Gamma + 1) * late.Updates) * Math.Pow((double)early.Updates / late.Updates, late.Gamma);
    }
}
