using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>FlowMatchHeunDiscreteScheduler: Heun's method on the straight path.</summary>
internal sealed class FlowMatchHeunReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["FlowMatchHeunDiscreteScheduler"];

    public override StepArguments Step => StepArguments.Churn | StepArguments.NoiseScale;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
        [ConfigKey.TrainingSteps(1000), ConfigKey.Number("shift", 1)];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (trainingSteps, shift) = (values.Integer("num_train_timesteps"), values.Number("shift"));
        if (!(shift > 0)) throw values.Wrong("shift", $"is {shift}; a positive number is needed.");
        var schedule = new RectifiedFlowSchedule();
        return new SchedulerPlan(config, schedule, Parameterization.Velocity(NoiseLabel.Time(trainingSteps)), step.Quirks ? new PublishedFlowHeun(PublishedEuler.ChurnOf(step)) : new HeunSampler(PublishedEuler.ChurnOf(step)),
            run => FlowMatchLevels.Ladder(FlowMatchLevels.Shifted(trainingSteps, run.Steps!.Value, shift), trainingSteps).Flow(schedule))
        {
            // Quirk: noising takes the second place at which it finds its timesteps. It runs for one step only, and that place is the end.
            ForwardLevel = !step.Quirks ? null : static (grid, _) => grid.Count == 1 ? grid.End : throw new ArgumentException("The published scheduler noises a batch in runs of one step only."),
        };
    }
}
