namespace Diffusion.Integration;

/// <summary>
/// Where an adaptive integration is: the time, the length of the next step, the control. State of one run; the state of the equation and its slope stay with the
/// caller, who may put callbacks between trial steps.
/// </summary>
internal sealed class AdaptiveSteps
{
    private readonly RungeKutta _method;
    private readonly ErrorTolerance _tolerance;
    private readonly StepControl _control;
    private readonly double _start;
    private readonly double _direction;
    private double _length; // positive
    private bool _hasLength;
    private int _trials;

    public AdaptiveSteps(RungeKutta method, ErrorTolerance tolerance, double from, double to)
    {
        (_method, _tolerance, _control) = (method, tolerance, new StepControl(method.Order));
        (_start, Time, End, _direction) = (from, from, to, Math.Sign(to - from));
        (_length, _hasLength) = (Math.Min(tolerance.FirstStep ?? double.PositiveInfinity, Math.Abs(to - from)), tolerance.FirstStep is not null);
    }

    /// <summary>Where the integration is.</summary>
    public double Time { get; private set; }

    /// <summary>Where it goes.</summary>
    public double End { get; }

    /// <summary>Where the next trial goes: the end itself where a step would come close to it.</summary>
    public double Next => Math.Abs(End - Time) <= 1.01 * _length ? End : Time + _direction * _length;

    /// <summary>Whether the end is reached.</summary>
    public bool Done => Time == End;

    /// <summary>Whether the length of the first step must still be chosen.</summary>
    public bool NeedsLength => !_hasLength;

    /// <summary>Chooses the first step from the sizes of the state, its slope and the change of the slope. (Hairer, Nørsett and Wanner 1993, section II.4)</summary>
    public void ChooseLength(Func<double, Tensor, Tensor> slope, Tensor y, Tensor k)
    {
        using var gradients = no_grad(); // step lengths are not differentiated
        var scale = _tolerance.Scale(y.abs());
        var sizes = stack([ErrorTolerance.Norm(y, scale), ErrorTolerance.Norm(k, scale)]).cpu().data<double>();
        var (d0, d1) = (sizes[0], sizes[1]);
        var whole = Math.Abs(End - Time);
        var h0 = Math.Min(whole, d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * whole : 0.01 * d0 / d1);
        var ahead = Time + _direction * h0;
        var d2 = ErrorTolerance.Norm(slope(ahead, y.add(k, alpha: ahead - Time)).sub(k), scale).item<double>() / h0;
        var largest = Math.Max(d1, d2);
        var h1 = largest <= 1e-15 ? Math.Max(1e-6 * whole, h0 * 1e-3) : Math.Pow(0.01 / largest, 1.0 / _method.Order);
        if (!double.IsFinite(h1)) throw new InvalidOperationException($"The slope at {Time} is not finite.");
        (_length, _hasLength) = (Math.Min(whole, Math.Min(100 * h0, h1)), true);
    }

    /// <summary>One trial step; one wait for the device.</summary>
    /// <returns>The state and slope at <see cref="Time"/> if the step stands, which has then moved; else null.</returns>
    /// <exception cref="InvalidOperationException">No step meets the tolerance, or there were too many.</exception>
    public (Tensor State, Tensor Last)? Try(Func<double, Tensor, Tensor> slope, Tensor y, Tensor k)
    {
        if (++_trials > _tolerance.MaximumSteps)
            throw new InvalidOperationException($"After {_tolerance.MaximumSteps} trial steps the integration from {_start} to {End} has come to {Time}. Loosen the tolerance or allow more steps.");
        var next = Next;
        var (state, last, error) = _method.Step(slope, y, Time, next, k);
        var (accepted, factor) = _control.Take(_tolerance.Norm(error!, y, state).item<double>());
        _length = Math.Abs(next - Time) * factor;
        if (accepted) Time = next;
        if (!Done && _length < 16 * Math.BitIncrement(Math.Abs(Time)) - 16 * Math.Abs(Time))
            throw new InvalidOperationException($"At {Time} the step length has fallen to {_length:g3}: no step meets the tolerance. Loosen it, or look for a slope that jumps.");
        return accepted ? (state, last) : null;
    }
}
