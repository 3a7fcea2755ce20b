using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>HeunDiscreteScheduler. (Karras et al. 2022, algorithm 1)</summary>
internal sealed class HeunReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["HeunDiscreteScheduler"];

    public override RunArguments Run => RunArguments.Timesteps;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(0.00085, 0.012, "linear", "exp"),
        SigmaFamily.PredictionKey("sample"),
        .. PublishedSigmas.Keys(),
        ConfigKey.Flag("clip_sample", false),
        ConfigKey.Number("clip_sample_range", 1),
        .. SigmaFamily.SpacingKeys(),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step) =>
        SigmaFamily.Plan(config, values, _ => new HeunSampler(), step.Quirks);
}
