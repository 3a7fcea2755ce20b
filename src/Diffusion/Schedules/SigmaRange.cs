namespace Diffusion.Schedules;

/// <summary>The range of σ of a schedule with α = 1.</summary>
internal static class SigmaRange
{
    public static void Check(double sigmaMin, double sigmaMax)
    {
        if (!(sigmaMin > 0) || !double.IsFinite(sigmaMin)) throw new ArgumentOutOfRangeException(nameof(sigmaMin), sigmaMin, "The smallest noise level must be positive and finite.");
        if (!(sigmaMax > sigmaMin) || !double.IsFinite(sigmaMax))
            throw new ArgumentOutOfRangeException(nameof(sigmaMax), sigmaMax, $"The largest noise level must be finite and above the smallest ({sigmaMin}).");
    }

    /// <summary>A time that rounding may have taken out of [0, 1]; null where it is farther away.</summary>
    public static double? Inside(double time) => time >= -1e-12 && time <= 1 + 1e-12 ? Math.Clamp(time, 0, 1) : null;
}
