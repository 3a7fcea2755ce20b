namespace Diffusion.Integration;

/// <summary>
/// The error that adaptive integration allows in a step: the root of the mean square over all numbers of the state of error/(absolute + relative·|y|) is at
/// most 1. The batch is one system, so the steps of a sample depend on the others. Immutable.
/// </summary>
public sealed class ErrorTolerance
{
    /// <summary>The two parts of the tolerance.</summary>
    /// <param name="relative">Error allowed in proportion to the state, at least 0. Below about 1e-6 a float32 state cannot follow.</param>
    /// <param name="absolute">Error allowed in any case, at least 0; not both may be 0.</param>
    /// <param name="firstStep">Length of the first step; null has it chosen, at the price of one evaluation and one wait for the device.</param>
    /// <param name="maximumSteps">How many trial steps may be made before the integration gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public ErrorTolerance(double relative = 1e-5, double absolute = 1e-5, double? firstStep = null, int maximumSteps = 100_000)
    {
        if (!(relative >= 0) || !double.IsFinite(relative)) throw new ArgumentOutOfRangeException(nameof(relative), relative, "The relative tolerance must be finite and at least 0.");
        if (!(absolute >= 0) || !double.IsFinite(absolute)) throw new ArgumentOutOfRangeException(nameof(absolute), absolute, "The absolute tolerance must be finite and at least 0.");
        if (relative == 0 && absolute == 0) throw new ArgumentOutOfRangeException(nameof(absolute), absolute, "Both tolerances are 0: no step can meet that.");
        if (firstStep is { } length && (!(length > 0) || !double.IsFinite(length))) throw new ArgumentOutOfRangeException(nameof(firstStep), firstStep, "The first step must be positive and finite.");
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumSteps, 1);
        (Relative, Absolute, FirstStep, MaximumSteps) = (relative, absolute, firstStep, maximumSteps);
    }

    /// <summary>Error allowed in proportion to the state.</summary>
    public double Relative { get; }

    /// <summary>Error allowed in any case.</summary>
    public double Absolute { get; }

    /// <summary>Length of the first step; null where it is chosen.</summary>
    public double? FirstStep { get; }

    /// <summary>Trial steps before the integration gives up.</summary>
    public int MaximumSteps { get; }

    /// <summary>The error of a step in units of what is allowed, as a tensor of one number: reading it is the one wait of the step.</summary>
    internal Tensor Norm(LinearForm error, Tensor before, Tensor after)
    {
        using var gradients = no_grad(); // step lengths are not differentiated
        return Norm(error.Evaluate(), Scale(before.abs().maximum(after.abs())));
    }

    /// <summary>absolute + relative·|y|, in place on a fresh |y|.</summary>
    internal Tensor Scale(Tensor magnitude) => magnitude.mul_(Relative).add_(Absolute);

    /// <summary>The root of the mean square of value/scale.</summary>
    internal static Tensor Norm(Tensor value, Tensor scale) => value.div(scale).pow_(2).mean().sqrt_().to(float64);
}
