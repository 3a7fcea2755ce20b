namespace Diffusion;

/// <summary>Where a monotone function crosses a value.</summary>
internal static class Roots
{
    private const int MostNewtonSteps = 60;

    /// <summary>Halves a bracket until its ends are neighbouring numbers, or one.</summary>
    /// <param name="low">An end.</param>
    /// <param name="high">The other, above it.</param>
    /// <param name="isBelow">Whether a number between them lies on the side of <paramref name="low"/>.</param>
    public static (double Low, double High) Bisect(double low, double high, Func<double, bool> isBelow)
    {
        while (true)
        {
            var middle = low + (high - low) / 2;
            if (middle <= low || middle >= high) return (low, high);
            if (isBelow(middle)) low = middle;
            else high = middle;
        }
    }

    /// <summary>The root of a rising function to rounding: Newton's method, halving where it leaves the bracket.</summary>
    /// <param name="low">Below the root.</param>
    /// <param name="high">Above it.</param>
    /// <param name="start">Where to begin, within the bracket.</param>
    /// <param name="function">Value and slope; a slope that is 0 or not a number is no use and halves.</param>
    public static double Newton(double low, double high, double start, Func<double, (double Value, double Slope)> function)
    {
        var x = start;
        for (var i = 0; i < MostNewtonSteps; i++)
        {
            var (value, slope) = function(x);
            var next = x - value / slope;
            if (value == 0 || next == x) return x;
            if (value > 0) high = x;
            else low = x;
            if (!(next > low && next < high)) next = low + (high - low) / 2;
            x = next;
        }

        return Bisect(low, high, at => function(at).Value < 0).Low;
    }
}
