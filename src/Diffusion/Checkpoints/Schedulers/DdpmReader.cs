using Diffusion.Samplers;
namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DDPMScheduler: ancestral sampling on the trained timesteps. (Ho et al. 2020; Nichol and Dhariwal 2021)</summary>
internal sealed class DdpmReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["DDPMScheduler", "DDPMParallelScheduler"];

    public override RunArguments Run => RunArguments.Timesteps;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(more: ["sigmoid", "laplace"]),
        ConfigKey.Choice("variance_type", "fixed_small", "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned", "learned_range"),
        ConfigKey.Flag("clip_sample", true),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction"),
        .. TrainedSchedule.ThresholdingKeys(),
        ConfigKey.Number("clip_sample_range", 1),
        ConfigKey.Choice("timestep_spacing", "leading", "linspace", "leading", "trailing"),
        ConfigKey.Integer("steps_offset", 0),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var variance = values.Choice("variance_type") switch
        {
            "fixed_large" or "fixed_large_log" => ReverseVariance.Large,
            "learned" => ReverseVariance.LearnedLog,
            "learned_range" => ReverseVariance.LearnedRange,
            _ => ReverseVariance.Small,
        };
        TimeGrid Grid(RunOptions run) => schedule.LabelledGrid(run.Timesteps is { } given
            ? PublishedTimesteps.Given(given, schedule.TrainingSteps)
            : PublishedTimesteps.Trained(values, run.Steps!.Value));
        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), step.Quirks ? new PublishedAncestral(schedule, variance) : new DdpmSampler(variance), Grid)
        {
            Decorate = TrainedSchedule.Clipping(values, keepNoise: false),
        };
    }
}
