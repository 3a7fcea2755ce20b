namespace Diffusion.Training;

/// <summary>The power-function average of Karras et al. 2024 ("Analyzing and Improving the Training Dynamics of Diffusion Models", appendix C).</summary>
internal sealed class PowerFunctionRule : AveragingRule
{
    public PowerFunctionRule(double gamma)
    {
        if (!(gamma >= 0) || !double.IsFinite(gamma)) throw new ArgumentOutOfRangeException(nameof(gamma), gamma, "γ must be finite and at least 0.");
        Gamma = gamma;
    }

    public double Gamma { get; }

    public override double Decay(long update)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(update, 1);
        return Math.Pow(1 - 1.0 / update, Gamma + 1);
    }

    /// <summary>γ of the relative width √((γ + 1)/((γ + 2)²(γ + 3))), by bisection: the width falls as γ grows.</summary>
    public static double GammaOf(double width)
    {
        if (!(width > 0 && width <= WidthOf(0) + 1e-12)) throw new ArgumentOutOfRangeException(nameof(width), width, "A relative width lies in (0, 1/√12], 0.2887.");
        var high = 1.0;
        while (WidthOf(high) > width) high *= 2;
        return Roots.Bisect(0, high, gamma => WidthOf(gamma) > width).Low;
    }

    public static double WidthOf(double gamma) => Math.Sqrt((gamma + 1) / (gamma + 3)) / (gamma + 2);
}
