using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// The ladder of the exponential-integrator classes (DPM-Solver, DEIS, UniPC, SA-Solver): integer timesteps of which the last is left out, or a ramp
/// between the ends of the trained σ, or the levels of a flow.
/// </summary>
internal static class SolverLadder
{
    /// <summary>The keys of the flow's levels.</summary>
    public static IEnumerable<ConfigKey> FlowKeys() => [ConfigKey.Flag("use_flow_sigmas", false), ConfigKey.Number("flow_shift", 1)];

    /// <summary>The keys of the shift that depends on the resolution.</summary>
    public static IEnumerable<ConfigKey> DynamicKeys() =>
        [ConfigKey.Flag("use_dynamic_shifting", false), ConfigKey.Choice("time_shift_type", "exponential", "exponential", "linear")];

    /// <summary>Where the ladder of a class ends.</summary>
    public enum End
    {
        /// <summary>Where final_sigmas_type says: clean data or the smallest trained σ.</summary>
        Chosen,

        /// <summary>The same, but a ramp's or flow's own last level in place of the smallest trained σ.</summary>
        ChosenOfRamp,

        /// <summary>A ramp's or flow's own last level once more; else the smallest trained σ.</summary>
        Repeated,
    }

    /// <summary>The ladder of a run.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="schedule">The trained schedule.</param>
    /// <param name="run">The run.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="keepCosineTimesteps">Whether timesteps of a Karras ramp on the cosine schedule are truncated rather than rounded.</param>
    /// <exception cref="ArgumentException">The run cannot be laid out so.</exception>
    public static SigmaLadder Of(ConfigValues values, DiscreteSchedule schedule, RunOptions run, End end, bool keepCosineTimesteps = false)
    {
        var trained = PublishedSigmas.Trained(schedule);
        var ramp = PublishedSigmas.Ramp(values);
        if (run.Timesteps is { } given)
        {
            if (ramp is not null) throw new ArgumentException($"Timesteps cannot be given where '{ramp}' is true.", nameof(run));
            double[] timesteps = [.. given];
            return Ended(PublishedSigmas.Interpolate(trained, timesteps), timesteps, fromRamp: false);
        }

        var steps = run.Steps!.Value;
        if (ramp is not null)
        {
            double? Limit(string key) => values.Has(key) ? values.OptionalNumber(key) : null;
            var sigmas = PublishedSigmas.Along(ramp, Limit("sigma_max") ?? trained[^1], Limit("sigma_min") ?? trained[0], steps);
            var timesteps = PublishedSigmas.Timesteps(trained, sigmas);
            var rounds = ramp is "use_karras_sigmas" or "use_lu_lambdas" && !(keepCosineTimesteps && values.Choice("beta_schedule") == "squaredcos_cap_v2");
            return Ended(sigmas, Array.ConvertAll<double, double>(timesteps, rounds ? Math.Round : Math.Truncate), fromRamp: true);
        }

        if (values.FlagIfAny("use_flow_sigmas"))
        {
            var levels = FlowLevels(values, run, steps);
            return Ended(levels, Array.ConvertAll(levels, sigma => Math.Truncate(sigma * schedule.TrainingSteps)), fromRamp: true);
        }

        var spaced = Spaced(values, schedule, steps);
        return Ended(PublishedSigmas.Interpolate(trained, spaced), spaced, fromRamp: false);

        SigmaLadder Ended(double[] sigmas, double[] timesteps, bool fromRamp) => new(sigmas, timesteps, end switch
        {
            End.Repeated => fromRamp ? sigmas[^1] : trained[0],
            _ when values.Choice("final_sigmas_type") == "zero" => 0,
            End.ChosenOfRamp when fromRamp => sigmas[^1],
            _ => trained[0],
        });
    }

    /// <summary>The integer timesteps: one more than steps from the first to the last, the cleanest left out.</summary>
    private static double[] Spaced(ConfigValues values, DiscreteSchedule schedule, int steps)
    {
        var trainingSteps = schedule.TrainingSteps;
        var last = trainingSteps - (values.Has("lambda_min_clipped") ? Clipped(values, schedule) : 0);
        switch (values.Has("timestep_spacing") ? values.Choice("timestep_spacing") : "linspace")
        {
            case "leading":
                var ratio = last / (steps + 1);
                return Enumerable.Range(0, steps).Select(i => (double)((steps - i) * ratio + values.Integer("steps_offset"))).ToArray();
            case "trailing":
                var stride = (double)trainingSteps / steps;
                return [.. PublishedTimesteps.Descend(last, stride, steps).Where(t => t > 0).Select(t => Math.Round(t) - 1)];
            default:
                var rising = PublishedTimesteps.Linspace(0, last - 1, steps + 1);
                Array.Reverse(rising);
                return Array.ConvertAll(rising[..^1], Math.Round);
        }
    }

    /// <summary>How many timesteps have a half log-SNR below the limit of the configuration.</summary>
    /// <exception cref="InvalidDataException">All of them have.</exception>
    internal static int Clipped(ConfigValues values, DiscreteSchedule schedule)
    {
        var limit = values.Number("lambda_min_clipped");
        var clipped = Enumerable.Range(0, schedule.TrainingSteps).Count(t => schedule.AtTimestep(t).LogSnr / 2 < limit);
        return clipped < schedule.TrainingSteps ? clipped : throw values.Wrong("lambda_min_clipped", $"is {limit}, above half the log-SNR of every trained level: none is left.");
    }

    /// <summary>The levels 1 − linspace(1, 1/T, n + 1), shifted, falling, the cleanest left out; rounded, because next to pure noise 1 − σ shows the last digit of σ.</summary>
    private static double[] FlowLevels(ConfigValues values, RunOptions run, int steps)
    {
        var shift = run.Mu is { } mu ? Math.Exp(mu) : values.Number("flow_shift");
        var rising = PublishedTimesteps.Linspace(1, 1.0 / values.Integer("num_train_timesteps"), steps + 1);
        var levels = Array.ConvertAll(rising, alpha => (double)(float)FlowMatchLevels.Shift(1 - alpha, shift));
        Array.Reverse(levels);
        return levels[..^1];
    }
}
