using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>What the exponential-integrator classes share (DPM-Solver, DEIS, UniPC, SA-Solver): their keys, and a plan around a sampler.</summary>
internal static class SolverFamily
{
    /// <summary>The keys that all of them have.</summary>
    public static IEnumerable<ConfigKey> Keys(double betaStart = 1e-4, double betaEnd = 0.02, string schedule = "linear") =>
    [
        .. TrainedSchedule.Keys(betaStart, betaEnd, schedule),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction", "flow_prediction"),
        .. TrainedSchedule.ThresholdingKeys(),
        .. PublishedSigmas.Keys(),
        .. SolverLadder.FlowKeys(),
    ];

    /// <summary>The keys of spacing.</summary>
    public static IEnumerable<ConfigKey> SpacingKeys() =>
        [ConfigKey.Choice("timestep_spacing", "linspace", "linspace", "leading", "trailing"), ConfigKey.Integer("steps_offset", 0)];

    /// <summary>Where a ladder ends.</summary>
    public static ConfigKey FinalKey() => ConfigKey.Choice("final_sigmas_type", "zero", "zero", "sigma_min");

    /// <summary>The keys of a clipped log-SNR and of learned variances, which these classes cut off.</summary>
    public static IEnumerable<ConfigKey> ClippedKeys() =>
        [ConfigKey.Number("lambda_min_clipped", double.NegativeInfinity), ConfigKey.OptionalChoice("variance_type", "learned", "learned_range")];

    /// <summary>The order of a solver.</summary>
    public static int Order(ConfigValues values, string key, int least, int most)
    {
        var order = values.Integer(key);
        return order >= least && order <= most ? order : throw values.Wrong(key, $"is {order}; {least} … {most} is needed.");
    }

    /// <summary>A plan on the trained schedule, or on the straight path where the ladder is a flow's.</summary>
    /// <param name="config">What is planned.</param>
    /// <param name="values">Its settings.</param>
    /// <param name="sampler">The method.</param>
    /// <param name="noise">Whether the method moves along the noise as the network gives it.</param>
    /// <param name="ladder">The ladder of a run.</param>
    /// <param name="ownFlow">Whether the class has a flow of its own: along ramps, and with linear shifts, too.</param>
    /// <param name="thresholdsNoise">Whether a thresholded estimate of the data changes the noise too.</param>
    public static SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, Sampler sampler, bool noise, Func<DiscreteSchedule, RunOptions, SigmaLadder> ladder,
        bool ownFlow = false, bool thresholdsNoise = true)
    {
        var trained = TrainedSchedule.Of(values, finite: true);
        if (PublishedSigmas.Ramp(values) is { } ramp && values.FlagIfAny("use_flow_sigmas") && !ownFlow) throw values.Wrong("use_flow_sigmas", $"and '{ramp}' are both true; at most one of them can be.");
        var flow = values.FlagIfAny("use_flow_sigmas") ? new RectifiedFlowSchedule() : null;
        if (flow is null && values.Choice("prediction_type") == "flow_prediction") throw values.Wrong("prediction_type", "is \"flow_prediction\", which needs 'use_flow_sigmas'.");
        return new SchedulerPlan(config, flow is null ? trained : flow, TrainedSchedule.Prediction(values), sampler, Grid)
        {
            NoiseFromOutput = noise,
            TrainedSchedule = trained,
            Decorate = TrainedSchedule.Clipping(values, keepNoise: !thresholdsNoise),
        };

        TimeGrid Grid(RunOptions run)
        {
            if (!ownFlow && run.Mu is not null && !(values.FlagIfAny("use_dynamic_shifting") && values.Choice("time_shift_type") == "exponential"))
                throw new ArgumentException($"{config.ClassName} takes {nameof(run.Mu)} only with 'use_dynamic_shifting' and the exponential 'time_shift_type'.", nameof(run));
            var levels = ladder(trained, run);
            return flow is null ? levels.Preserving(trained) : levels.Flow(flow);
        }
    }
}
