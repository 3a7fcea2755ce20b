using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The noise levels of a run in the reference's own unit, the timesteps that the network is told there, and where the run ends.</summary>
/// <param name="Sigmas">σ of each step.</param>
/// <param name="Timesteps">The label of each step.</param>
/// <param name="Final">σ at the end; 0 for clean data.</param>
internal readonly record struct SigmaLadder(double[] Sigmas, double[] Timesteps, double Final)
{
    /// <summary>The grid in variance-exploding coordinates: α = 1, σ as it is.</summary>
    public TimeGrid Exploding(NoiseSchedule schedule) => Grid(schedule, ExplodingLevel);

    /// <summary>The grid in variance-preserving coordinates: σ is the noise-to-signal ratio.</summary>
    public TimeGrid Preserving(NoiseSchedule schedule) => Grid(schedule, PreservingLevel);

    /// <summary>The grid on the straight path: α = 1 − σ.</summary>
    public TimeGrid Flow(RectifiedFlowSchedule schedule) => Grid(schedule, schedule.At);

    public static NoiseLevel ExplodingLevel(double sigma) => NoiseLevel.Of(1, sigma);

    public static NoiseLevel PreservingLevel(double sigma)
    {
        var alpha = 1 / Math.Sqrt(sigma * sigma + 1);
        return NoiseLevel.Of(alpha, sigma * alpha);
    }

    private TimeGrid Grid(NoiseSchedule schedule, Func<double, NoiseLevel> level)
    {
        var points = new NoisePoint[Sigmas.Length];
        for (var i = 0; i < points.Length; i++) points[i] = new NoisePoint(level(Sigmas[i]), Timesteps[i]);
        return TimeGrid.FromPoints(schedule, points, Final == 0 ? schedule.Clean : level(Final));
    }

    /// <summary>The start's deviation of the classes that step in σ: the largest σ, or √(σ² + 1) with leading spacing.</summary>
    public static Func<TimeGrid, double> StartDeviation(ConfigValues values)
    {
        var leading = values.Choice("timestep_spacing") == "leading";
        return grid =>
        {
            var largest = grid.Max(step => Math.Max(step.At.Level.NoiseToSignal, step.To.NoiseToSignal));
            return leading ? Math.Sqrt(largest * largest + 1) : largest;
        };
    }
}
