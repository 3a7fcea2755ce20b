using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>EulerAncestralDiscreteScheduler.</summary>
internal sealed class EulerAncestralReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["EulerAncestralDiscreteScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
        [.. TrainedSchedule.Keys(), SigmaFamily.PredictionKey(), .. SigmaFamily.SpacingKeys(), ConfigKey.Flag("rescale_betas_zero_snr", false)];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step) =>
        SigmaFamily.Plan(config, values, _ => new EulerAncestralSampler(), step.Quirks);
}
