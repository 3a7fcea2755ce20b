using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DDIMScheduler. (Song, Meng and Ermon 2021)</summary>
/// <remarks>Quirk: a step from timestep t goes to t − ⌊T/n⌋ whatever the spacing, while the next step starts at the next timestep.</remarks>
internal sealed class DdimReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["DDIMScheduler", "DDIMParallelScheduler"];

    public override StepArguments Step => StepArguments.Eta | StepArguments.UseClippedOutput;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(),
        ConfigKey.Flag("clip_sample", true),
        ConfigKey.Flag("set_alpha_to_one", true),
        ConfigKey.Integer("steps_offset", 0),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction"),
        .. TrainedSchedule.ThresholdingKeys(),
        ConfigKey.Number("clip_sample_range", 1),
        ConfigKey.Choice("timestep_spacing", "leading", "linspace", "leading", "trailing"),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var final = values.Flag("set_alpha_to_one") ? schedule.Clean : schedule.AtTimestep(0);
        TimeGrid Grid(RunOptions run)
        {
            var timesteps = PublishedTimesteps.Trained(values, run.Steps!.Value);
            var stride = schedule.TrainingSteps / timesteps.Length;
            return new TimeGrid(schedule, Array.ConvertAll(timesteps, t => new GridStep(schedule.Labelled(t), schedule.LevelOr(t - stride, final))));
        }

        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), new DdimSampler(step.Eta ?? 0), Grid)
        {
            Decorate = TrainedSchedule.Clipping(values, keepNoise: !(step.UseClippedOutput ?? false)),
        };
    }
}
