namespace Diffusion.Integration;

/// <summary>
/// The length of an adaptive integration's next step from the errors of the last two: proportional–integral control, which does not let the length swing where
/// stability limits it. A step stands if its error is at most 1. State of one run. (Gustafsson 1991; Hairer, Nørsett and Wanner 1993, section II.4)
/// </summary>
/// <param name="order">The order of the method.</param>
internal sealed class StepControl(int order)
{
    private const double Safety = 0.9;
    private const double Smallest = 0.2; // a step never changes by more
    private const double Largest = 10;
    private const double Proportional = 0.04;

    private readonly double _exponent = 1.0 / order - 0.75 * Proportional;
    private double _previous = 1e-4;
    private bool _refused;

    /// <summary>Takes the error of a step.</summary>
    /// <param name="error">The error, 1 being what is allowed.</param>
    /// <returns>Whether the step stands, and the factor of the next length.</returns>
    /// <exception cref="InvalidOperationException">The error is not a number.</exception>
    public (bool Accepted, double Factor) Take(double error)
    {
        if (!double.IsFinite(error)) throw new InvalidOperationException($"The error of a step is {error}: the slope or the state holds values that are not finite.");
        var pull = Math.Pow(error, _exponent);
        if (error > 1)
        {
            _refused = true;
            return (false, Math.Max(Smallest, Safety / pull));
        }

        var factor = pull == 0 ? Largest : Math.Clamp(Safety * Math.Pow(_previous, Proportional) / pull, Smallest, Largest);
        if (_refused) factor = Math.Min(factor, 1); // it has just been too long
        (_refused, _previous) = (false, Math.Max(error, 1e-4));
        return (true, factor);
    }
}
