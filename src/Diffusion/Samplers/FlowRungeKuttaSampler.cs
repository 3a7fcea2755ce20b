using Diffusion.Integration;

namespace Diffusion.Samplers;

/// <summary>
/// Any Runge–Kutta method for the flow, one step of it a step of the grid, towards data or (a rising grid) towards noise. The noise may have any distribution. The step to clean
/// data is the estimate.
/// </summary>
/// <remarks>On the straight path in time these are the solvers of rectified flow and flow matching. (Liu et al. 2022; Lipman et al. 2022)</remarks>
public sealed class FlowRungeKuttaSampler : Sampler
{
    /// <summary>A method, and the variable that it steps in.</summary>
    /// <param name="method">The method; its <see cref="RungeKutta.Stages"/> are the evaluations of a step.</param>
    /// <param name="variable">The variable.</param>
    public FlowRungeKuttaSampler(RungeKutta method, FlowVariable variable = FlowVariable.Time)
    {
        ArgumentNullException.ThrowIfNull(method);
        (Method, Variable) = (method, variable);
    }

    /// <summary>The method.</summary>
    public RungeKutta Method { get; }

    /// <summary>The variable.</summary>
    public FlowVariable Variable { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">In time, a level has no time or no finite slope.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var field = new FlowField(Variable, step.Grid.Schedule, step.At, step.End);
        var start = new LinearForm { { 1, x } };
        var first = field.Slope(step.Denoise(x), start, step.From);
        return field.Leave(Method.Step(Slope, field.Enter(start, step.From), field.From, field.To, first), step.To).Evaluate();

        LinearForm Slope(double s, LinearForm y)
        {
            var at = field.At(s);
            var state = field.Leave(y, at.Level);
            return field.Slope(step.Denoise(state.Evaluate(), at), state, at.Level);
        }
    }
}
