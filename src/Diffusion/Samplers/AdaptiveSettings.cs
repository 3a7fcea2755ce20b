using Diffusion.Integration;

namespace Diffusion.Samplers;

/// <summary>Tolerances and step control of an adaptive solver. Immutable.</summary>
/// <remarks>The defaults are those published for DPM-Solver-12 and -23.</remarks>
public sealed class AdaptiveSettings
{
    /// <summary>Tolerances and the weights of the controller.</summary>
    /// <param name="relative">Error allowed in proportion to the state; at least 0.</param>
    /// <param name="absolute">Error allowed in any case; positive.</param>
    /// <param name="firstStep">Length of the first step in λ = ln(α/σ), positive.</param>
    /// <param name="proportional">Weight of the change of the error.</param>
    /// <param name="integral">Weight of the error.</param>
    /// <param name="derivative">Weight of the change of its change.</param>
    /// <param name="safety">The least factor of the step length with which a step is still accepted, in (0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public AdaptiveSettings(double relative = 0.05, double absolute = 0.0078, double firstStep = 0.05,
        double proportional = 0, double integral = 1, double derivative = 0, double safety = 0.81)
    {
        Check(relative >= 0, nameof(relative), relative, "at least 0");
        Check(absolute > 0, nameof(absolute), absolute, "positive");
        Check(firstStep > 0, nameof(firstStep), firstStep, "positive");
        Check(true, nameof(proportional), proportional, "finite");
        Check(true, nameof(integral), integral, "finite");
        Check(true, nameof(derivative), derivative, "finite");
        Check(safety is > 0 and <= 1, nameof(safety), safety, "in (0, 1]");
        (Relative, Absolute, FirstStep, Safety) = (relative, absolute, firstStep, safety);
        (Proportional, Integral, Derivative) = (proportional, integral, derivative);
    }

    /// <summary>Error allowed in proportion to the state.</summary>
    public double Relative { get; }

    /// <summary>Error allowed in any case.</summary>
    public double Absolute { get; }

    /// <summary>Length of the first step in λ = ln(α/σ).</summary>
    public double FirstStep { get; }

    /// <summary>Weight of the change of the error.</summary>
    public double Proportional { get; }

    /// <summary>Weight of the error.</summary>
    public double Integral { get; }

    /// <summary>Weight of the change of its change.</summary>
    public double Derivative { get; }

    /// <summary>The least factor of the step length with which a step is still accepted.</summary>
    public double Safety { get; }

    internal PidController Controller(double order) => new(FirstStep, order, Proportional, Integral, Derivative, Safety);

    private static void Check(bool fits, string name, double value, string range)
    {
        if (!fits || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"The setting '{name}' must be finite and {range}.");
    }
}
