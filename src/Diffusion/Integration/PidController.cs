namespace Diffusion.Integration;

/// <summary>
/// Chooses the length of an adaptive solver's next step from the errors of the last three: the proportional–integral–derivative control of Söderlind 2003 with
/// a smooth limit. State of one run.
/// </summary>
/// <param name="length">Length of the first step.</param>
/// <param name="order">The order in which the error falls with the length.</param>
/// <param name="proportional">Weight of the change of the error.</param>
/// <param name="integral">Weight of the error; 1 with the others 0 is the classical controller.</param>
/// <param name="derivative">Weight of the change of its change.</param>
/// <param name="safety">The least factor of the length with which a step is still accepted.</param>
internal sealed class PidController(double length, double order, double proportional = 0, double integral = 1, double derivative = 0, double safety = 0.81)
{
    private readonly double[] _inverse = [double.NaN, 0, 0]; // 1/error, newest first

    /// <summary>Length of the next step.</summary>
    public double Length { get; private set; } = length;

    /// <summary>Takes the error of a step of the proposed length, 1 being what is tolerated, and sets the next length.</summary>
    /// <returns>Whether the step may stand.</returns>
    /// <exception cref="InvalidOperationException">The error is not a number, or the length has fallen to nothing.</exception>
    public bool Accept(double error)
    {
        if (double.IsNaN(error)) throw new InvalidOperationException("The error of a step is not a number: the denoiser or the state holds values that are not finite.");
        var inverse = 1 / (error + 1e-8);
        if (double.IsNaN(_inverse[0])) Array.Fill(_inverse, inverse);
        _inverse[0] = inverse;
        var factor = Math.Pow(_inverse[0], (proportional + integral + derivative) / order)
            * Math.Pow(_inverse[1], -(proportional + 2 * derivative) / order)
            * Math.Pow(_inverse[2], derivative / order);
        factor = 1 + Math.Atan(factor - 1);
        var accepted = factor >= safety;
        if (accepted) (_inverse[2], _inverse[1]) = (_inverse[1], _inverse[0]);
        Length *= factor;
        if (!(Length > 1e-12)) throw new InvalidOperationException($"The step length has fallen to {Length:g3}: no step meets the tolerance. Loosen it, or look for values that are not finite.");
        return accepted;
    }
}
