using Diffusion.Integration;

namespace Diffusion.Samplers;

/// <summary>
/// The flow by an adaptive Runge–Kutta method: steps as long as the tolerance allows, from the first level of the grid to the last, towards data or (a grid that ends at more
/// noise than it starts from) towards noise, which encodes. Of the grid only the two ends are used. The noise may have any distribution. (Song et al. 2021, section 4.3)
/// </summary>
/// <remarks>
/// Each trial step waits for the device once. Progress, cancellation and callbacks come with every trial step, also those that are refused. Where the grid ends at clean data,
/// one more evaluation at its last noisy level gives the answer.
/// </remarks>
public sealed class AdaptiveFlowSampler : Sampler
{
    private readonly AdaptiveIntegrator _integrator;

    /// <summary>A method, a tolerance, and the variable to step in.</summary>
    /// <param name="method">Dormand and Prince's if null; or Bogacki and Shampine's.</param>
    /// <param name="tolerance">The tolerance; 1e-5 relative and absolute if null.</param>
    /// <param name="variable">The variable.</param>
    /// <exception cref="ArgumentException">The method does not estimate its error.</exception>
    public AdaptiveFlowSampler(RungeKutta? method = null, ErrorTolerance? tolerance = null, FlowVariable variable = FlowVariable.Angle)
    {
        _integrator = new AdaptiveIntegrator(method, tolerance);
        Variable = variable;
    }

    /// <summary>The method.</summary>
    public RungeKutta Method => _integrator.Method;

    /// <summary>The tolerance.</summary>
    public ErrorTolerance Tolerance => _integrator.Tolerance;

    /// <summary>The variable.</summary>
    public FlowVariable Variable { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">In time, an end has no time or no finite slope.</exception>
    /// <exception cref="InvalidOperationException">The estimate is not finite, or no steps meet the tolerance.</exception>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Total = null;
        var (last, at) = (run.Grid[^1], run.Grid[0].At);
        var end = last.To.IsClean ? last.At : new NoisePoint(last.To, last.ToLabel);
        var field = new FlowField(Variable, run.Grid.Schedule, at, end);
        var steps = _integrator.Begin(field.From, field.To);
        while (!steps.Done)
        {
            // Where the first length must be found, the state stays where it is for one step.
            var choose = steps.NeedsLength;
            var next = choose ? at : field.At(steps.Next);
            var (expected, moved) = (default(Tensor), false);
            x = run.Advance(new GridStep(at, next.Level) { ToLabel = next.Label }, x, (step, state) => expected = choose ? Choose(step, state) : Try(step, state));
            // A callback that changed the state has made the estimate there worthless.
            if (!ReferenceEquals(x, expected)) Remember(run.Carry, null);
            if (moved) at = next;

            Tensor Choose(SamplerStep step, Tensor state)
            {
                var first = step.Denoise(state);
                Remember(step.Carry, first);
                steps.ChooseLength(new Evaluations(step, field).Slope, field.Enter(state, step.From), field.Slope(first, state, step.From));
                return state;
            }

            Tensor Try(SamplerStep step, Tensor state)
            {
                var evaluations = new Evaluations(step, field);
                var first = Known(step, state);
                var reached = steps.Try(evaluations.Slope, field.Enter(state, step.From), field.Slope(first, state, step.From));
                moved = reached is not null;
                Remember(step.Carry, moved ? evaluations.Latest! : first);
                return reached is { } end ? field.Leave(end.State, step.To) : state;
            }
        }

        return last.To.IsClean ? run.Step(this, last, x) : x;
    }

    /// <summary>One step of the method, whatever its error.</summary>
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var field = new FlowField(Variable, step.Grid.Schedule, step.At, step.End);
        return field.Leave(Method.Step(new Evaluations(step, field).Slope, field.Enter(x, step.From), field.From, field.To).State, step.To);
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Known(step, x).Mix(x, step.From, step.To.Alpha, 0);
    }

    // The last evaluation of a step is at its end, and so the first of the next.
    private static Estimate Known(SamplerStep step, Tensor x) => step.Carry["data"] is { } data
        ? step.Reuse(x, new Estimate(data.alias(), step.Carry["noise"]?.alias()))
        : step.Denoise(x);

    private static void Remember(StepCarry carry, Estimate? estimate) => (carry["data"], carry["noise"]) = (estimate?.Data, estimate?.Noise);

    // The slope as the integrators ask for it; remembers the latest estimate.
    private sealed class Evaluations(SamplerStep step, FlowField field)
    {
        public Estimate? Latest { get; private set; }

        public Tensor Slope(double s, Tensor y)
        {
            var at = field.At(s);
            var x = field.Leave(y, at.Level);
            Latest = step.Denoise(x, at);
            return field.Slope(Latest, x, at.Level);
        }
    }
}
