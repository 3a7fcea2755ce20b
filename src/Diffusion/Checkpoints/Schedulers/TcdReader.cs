using Diffusion.Samplers;
namespace Diffusion.Checkpoints.Schedulers;

/// <summary>TCDScheduler: strategic stochastic sampling of a trajectory consistency model. (Zheng et al. 2024) Its clipping keys have no effect, as published.</summary>
internal sealed class TcdReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["TCDScheduler"];

    public override RunArguments Run => RunArguments.Timesteps | RunArguments.Strength | RunArguments.OriginalSteps;

    public override StepArguments Step => StepArguments.Eta;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) => [.. DistilledTimesteps.Keys()];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var gamma = step.Eta ?? 0.3;
        if (!(gamma >= 0 && gamma <= 1)) throw new ArgumentException($"Eta is {gamma}; a number in [0, 1] is needed.", nameof(step));
        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), step.Quirks ? new PublishedTcd(schedule, gamma) : new TcdSampler(gamma), Grid);

        // The last step leads to the first trained timestep, not to clean data.
        TimeGrid Grid(RunOptions run)
        {
            var timesteps = DistilledTimesteps.Of(values, run, anyIfOriginal: true);
            var steps = new GridStep[timesteps.Length];
            for (var i = 0; i < steps.Length; i++)
            {
                var next = schedule.Labelled(i + 1 < steps.Length ? timesteps[i + 1] : 0);
                steps[i] = new GridStep(schedule.Labelled(timesteps[i]), next.Level) { ToLabel = next.Label };
            }

            return new TimeGrid(schedule, steps);
        }
    }
}
