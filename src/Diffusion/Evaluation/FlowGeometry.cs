namespace Diffusion.Evaluation;

/// <summary>How straight the paths of a flow are and how far they carry. Plain numbers.</summary>
/// <param name="Straightness">S = ∫E‖(Z₁ − Z₀) − v(Z_t, t)‖² dt: 0 only where every path is a straight line at constant speed, so that one Euler step is exact. (Liu et al. 2022, eq. 3)</param>
/// <param name="TransportCost">E‖Z₁ − Z₀‖² between the ends of the paths; a reflow never raises it. (Liu et al. 2022, theorem 3.5)</param>
public readonly record struct FlowGeometry(double Straightness, double TransportCost)
{
    /// <summary>Walks a flow from noise to data and measures its paths; norms are over all numbers of a sample, means over the samples.</summary>
    /// <param name="denoiser">The flow, by its velocity α̇x̂₀ + σ̇ε̂ in the time of its schedule.</param>
    /// <param name="start">x₁ [batch, …]; the more samples, the less their error. Borrowed.</param>
    /// <param name="sampler">How to walk: a solver of the flow, one step of the grid at a time.</param>
    /// <param name="steps">Steps of equal time, at least 2; the integral is right to the second order in their length.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <exception cref="ArgumentException">The start has no batch axis or is not floating.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than two steps.</exception>
    /// <exception cref="OperationCanceledException">The walk was cancelled.</exception>
    public static FlowGeometry Measure(IDenoiser denoiser, Tensor start, Sampler sampler, int steps = 100, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        var grid = TimeGrid.Uniform(denoiser.Schedule, steps);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0); // solvers of the flow draw none
        var end = sampler.Sample(denoiser, start, grid, noise, cancellationToken: cancellationToken);
        var way = start.to(float64) - end.to(float64); // Z₁ − Z₀, x₁ being noise here
        double Size(Tensor t) => t.square().flatten(1).sum([1L]).mean().item<double>();

        // Once more along the same paths, with the velocity at the start of each step.
        var (times, errors) = (new List<double>(), new List<double>());
        var state = start.alias();
        var hooks = new SamplingHooks
        {
            OnStep = (step, next, estimate) =>
            {
                if (estimate is null) throw new InvalidOperationException($"{sampler.GetType().Name} made no estimate in a step; a solver of the flow that walks the grid is needed.");
                times.Add(step.From.Time);
                errors.Add(Size(way - estimate.VelocityAt(state, step.From).to(float64)));
                state.Dispose();
                state = next.clone().DetachFromDisposeScope();
            },
        };
        try
        {
            sampler.Sample(denoiser, start, grid, noise, hooks, cancellationToken);
        }
        finally
        {
            state.Dispose();
        }

        return new FlowGeometry(Integral(times, errors), Size(way));
    }

    // The trapezoidal rule down the times; to t = 0, where no velocity can be asked for, along the line through the last two.
    private static double Integral(List<double> times, List<double> values)
    {
        var sum = 0.0;
        for (var i = 1; i < times.Count; i++) sum += (times[i - 1] - times[i]) * (values[i - 1] + values[i]) / 2;
        if (times.Count < 2) return times[0] * values[0];
        var (t, slope) = (times[^1], (values[^1] - values[^2]) / (times[^1] - times[^2]));
        return sum + t * Math.Max(0, values[^1] - slope * t / 2);
    }
}
