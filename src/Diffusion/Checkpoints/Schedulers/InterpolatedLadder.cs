using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The ladder of the classes that step in σ (Euler, ancestral, Heun, LMS, KDPM2): timesteps first, σ interpolated there, then a ramp between the ends.</summary>
internal static class InterpolatedLadder
{
    /// <summary>The ladder of a run.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="schedule">The trained schedule.</param>
    /// <param name="run">The run; its timesteps or sigmas where the class takes them.</param>
    /// <param name="roundKarras">Whether the timesteps of a Karras ramp are rounded.</param>
    /// <exception cref="ArgumentException">The run cannot be laid out so.</exception>
    public static SigmaLadder Of(ConfigValues values, DiscreteSchedule schedule, RunOptions run, bool roundKarras = false)
    {
        var trained = PublishedSigmas.Trained(schedule);
        if (run.Sigmas is { } given) return FromSigmas(trained, given);
        var ramp = PublishedSigmas.Ramp(values);
        if (run.Timesteps is not null && ramp is not null) throw new ArgumentException($"Timesteps cannot be given where '{ramp}' is true.", nameof(run));
        var timesteps = run.Timesteps is { } list ? [.. list] : Timesteps(values, run.Steps!.Value);
        var steps = timesteps.Length;
        var final = IsChoice("final_sigmas_type", "sigma_min") ? trained[0] : 0;
        var sigmas = PublishedSigmas.Interpolate(trained, timesteps);
        if (IsChoice("interpolation_type", "log_linear")) sigmas = PublishedSigmas.Exponential(trained[^1], trained[0], steps + 1);
        if (ramp is null)
        {
            // Quirk: log_linear makes one level more than there are steps, and the run ends at it.
            return sigmas.Length == steps ? new SigmaLadder(sigmas, timesteps, final) : new SigmaLadder(sigmas[..steps], timesteps, sigmas[steps]);
        }

        sigmas = PublishedSigmas.Along(ramp, Limit("sigma_max") ?? sigmas[0], Limit("sigma_min") ?? sigmas[^1], steps);
        timesteps = PublishedSigmas.Timesteps(trained, sigmas);
        if (roundKarras && ramp == "use_karras_sigmas") timesteps = Array.ConvertAll(timesteps, Math.Round);
        return new SigmaLadder(sigmas, timesteps, final);

        double? Limit(string key) => values.Has(key) ? values.OptionalNumber(key) : null;

        bool IsChoice(string key, string choice) => values.Has(key) && values.Choice(key) == choice;
    }

    private static SigmaLadder FromSigmas(double[] trained, IReadOnlyList<double> given)
    {
        if (given.Count < 2) throw new ArgumentException("At least two sigmas are needed: where to start and where to end.", nameof(given));
        double[] sigmas = [.. given.Take(given.Count - 1)];
        return new SigmaLadder(sigmas, PublishedSigmas.Timesteps(trained, sigmas), given[^1]);
    }

    private static double[] Timesteps(ConfigValues values, int steps)
    {
        var trainingSteps = values.Integer("num_train_timesteps");
        return values.Choice("timestep_spacing") switch
        {
            "linspace" => PublishedTimesteps.LinspaceTimesteps(trainingSteps, steps),
            "leading" => PublishedTimesteps.LeadingTimesteps(trainingSteps, steps, values.Integer("steps_offset")),
            _ => PublishedTimesteps.TrailingTimesteps(trainingSteps, steps),
        };
    }
}
