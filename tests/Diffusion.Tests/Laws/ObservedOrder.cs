using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The order in which errors fall: the slope of a line through their logarithms over three doublings of the steps.</summary>
internal static class ObservedOrder
{
    public const double Tolerance = 0.15;

    /// <summary>Asserts that errors fall in an order.</summary>
    /// <param name="expected">The order.</param>
    /// <param name="fewest">The first number of steps; then it doubles three times.</param>
    /// <param name="error">The error of a number of steps.</param>
    public static void Is(double expected, int fewest, Func<int, double> error)
    {
        var errors = new double[4];
        for (var i = 0; i < errors.Length; i++) errors[i] = error(fewest << i);
        var slope = 0.0;
        for (var i = 0; i < errors.Length; i++) slope -= (i - 1.5) * Math.Log2(errors[i]) / 5;
        Assert.True(Math.Abs(slope - expected) <= Tolerance,
            $"The errors {string.Join(", ", errors.Select(e => e.ToString("e3")))} at {fewest} … {fewest << 3} steps fall in the order {slope:f3}; {expected} was expected.");
    }
}
