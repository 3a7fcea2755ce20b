namespace Diffusion.Dynamics;

/// <summary>What all kinds of Langevin dynamics demand of their settings and of their start.</summary>
internal static class LangevinSettings
{
    public static void CheckTemperature(double temperature)
    {
        if (!(temperature >= 0) || !double.IsFinite(temperature)) throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "A temperature must be finite and at least 0.");
    }

    public static void CheckStepSize(double stepSize)
    {
        if (!(stepSize > 0) || !double.IsFinite(stepSize)) throw new ArgumentOutOfRangeException(nameof(stepSize), stepSize, "A step size must be positive and finite.");
    }

    public static void CheckStart(Tensor start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (start.dim() < 1 || start.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"start is {start.dtype} of shape [{string.Join(", ", start.shape)}]; Float32 or Float64 [batch, …] is needed.", nameof(start));
    }
}
