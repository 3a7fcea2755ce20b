namespace Diffusion.Integration;

/// <summary>The flow of a schedule as an ordinary differential equation for the integrators, between the two ends of a step or of a run.</summary>
internal sealed class FlowField
{
    private readonly FlowVariable _variable;
    private readonly NoiseSchedule _schedule;
    private readonly NoisePoint _start;
    private readonly NoisePoint _end;

    /// <summary>The flow between two points, in either direction.</summary>
    /// <exception cref="ArgumentException">In time, an end has no time or no finite slope.</exception>
    public FlowField(FlowVariable variable, NoiseSchedule schedule, NoisePoint start, NoisePoint end)
    {
        (_variable, _schedule, _start, _end) = (variable, schedule, start, end);
        (From, To) = (Of(start.Level), Of(end.Level));
    }

    /// <summary>The variable at the start.</summary>
    public double From { get; }

    /// <summary>The variable at the end.</summary>
    public double To { get; }

    /// <summary>The point at a value of the variable; the two ends are given back as they are, labels included.</summary>
    public NoisePoint At(double s)
    {
        if (s == From) return _start;
        if (s == To) return _end;
        return _variable == FlowVariable.Time ? _schedule.At(s) : _schedule.AtLogSnr(-2 * Math.Log(Math.Tan(s)));
    }

    /// <summary>The integrators' state of a sampler's state.</summary>
    public Tensor Enter(Tensor x, NoiseLevel level) => Scale(level) is var scale && scale == 1 ? x.alias() : x.div(scale);

    /// <summary>The sampler's state of an integrators' state.</summary>
    public Tensor Leave(Tensor y, NoiseLevel level) => Scale(level) is var scale && scale == 1 ? y.alias() : y.mul(scale);

    /// <inheritdoc cref="Enter(Tensor, NoiseLevel)"/>
    public LinearForm Enter(LinearForm x, NoiseLevel level) => new() { { 1 / Scale(level), x } };

    /// <inheritdoc cref="Leave(Tensor, NoiseLevel)"/>
    public LinearForm Leave(LinearForm y, NoiseLevel level) => new() { { Scale(level), y } };

    /// <summary>The slope at a sampler's state, as a sum that is not formed.</summary>
    public LinearForm Slope(Estimate estimate, LinearForm x, NoiseLevel level)
    {
        var noise = LinearForm.Noise(estimate, x, level);
        if (_variable == FlowVariable.Time) return new LinearForm { { Steep(level).AlphaDot, estimate.Data }, { level.SigmaDot, noise } };
        var radius = double.Hypot(level.Alpha, level.Sigma);
        return new LinearForm { { -level.Sigma / radius, estimate.Data }, { level.Alpha / radius, noise } };
    }

    /// <summary>The slope at a sampler's state.</summary>
    public Tensor Slope(Estimate estimate, Tensor x, NoiseLevel level)
    {
        if (_variable == FlowVariable.Time) return estimate.VelocityAt(x, Steep(level));
        var radius = double.Hypot(level.Alpha, level.Sigma);
        return estimate.Mix(x, level, -level.Sigma / radius, level.Alpha / radius);
    }

    private double Of(NoiseLevel level) => _variable == FlowVariable.Time ? Steep(level).Time : Math.Atan2(level.Sigma, level.Alpha);

    private double Scale(NoiseLevel level) => _variable == FlowVariable.Time ? 1 : double.Hypot(level.Alpha, level.Sigma);

    private static NoiseLevel Steep(NoiseLevel level) => double.IsFinite(level.Time) && double.IsFinite(level.AlphaDot) && double.IsFinite(level.SigmaDot)
        ? level
        : throw new ArgumentException(
            $"The flow in time needs levels with a time and finite slopes; t = {level.Time}, dα/dt = {level.AlphaDot}, dσ/dt = {level.SigmaDot}. Integrate over {nameof(FlowVariable)}.{nameof(FlowVariable.Angle)} there.", nameof(level));
}
