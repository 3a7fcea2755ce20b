using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The rising ladder of DPMSolverMultistepInverseScheduler.</summary>
internal static class InverseLadder
{
    /// <summary>The ladder of a run.</summary>
    /// <remarks>Quirk: the last step of a ramp goes nowhere.</remarks>
    public static SigmaLadder Of(ConfigValues values, DiscreteSchedule schedule, RunOptions run)
    {
        var trained = PublishedSigmas.Trained(schedule);
        var steps = run.Steps!.Value;
        if (PublishedSigmas.Ramp(values) is { } ramp)
        {
            var sigmas = PublishedSigmas.Along(ramp, trained[^1], trained[0], steps);
            Array.Reverse(sigmas);
            return new SigmaLadder(sigmas, Array.ConvertAll<double, double>(PublishedSigmas.Timesteps(trained, sigmas), ramp == "use_karras_sigmas" ? Math.Round : Math.Truncate), sigmas[^1]);
        }

        if (values.Flag("use_flow_sigmas")) throw values.Wrong("use_flow_sigmas", "is true, which is not supported for inversion.");
        var noisiest = schedule.TrainingSteps - 1 - SolverLadder.Clipped(values, schedule);
        var timesteps = Spaced(values, schedule.TrainingSteps, noisiest, steps);
        return new SigmaLadder(PublishedSigmas.Interpolate(trained, timesteps), timesteps, trained[noisiest]);
    }

    private static double[] Spaced(ConfigValues values, int trainingSteps, int noisiest, int steps)
    {
        switch (values.Choice("timestep_spacing"))
        {
            case "leading":
                var ratio = (noisiest + 1) / (steps + 1);
                return [.. Enumerable.Range(0, steps).Select(i => (double)(i * ratio + values.Integer("steps_offset")))];
            case "trailing":
                return [.. PublishedTimesteps.Descend(noisiest + 1, (double)trainingSteps / steps, steps).Where(t => t > 0).Select(t => Math.Round(t) - 1).Reverse()];
            default:
                return Array.ConvertAll(PublishedTimesteps.Linspace(0, noisiest, steps + 1)[..^1], Math.Round);
        }
    }
}
