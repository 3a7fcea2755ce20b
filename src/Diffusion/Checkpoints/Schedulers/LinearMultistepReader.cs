using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>LMSDiscreteScheduler.</summary>
internal sealed class LinearMultistepReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["LMSDiscreteScheduler"];

    public override StepArguments Step => StepArguments.Order;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
        [.. TrainedSchedule.Keys(), .. PublishedSigmas.Keys(), SigmaFamily.PredictionKey("sample"), .. SigmaFamily.SpacingKeys()];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step) =>
        SigmaFamily.Plan(config, values, _ => new LinearMultistepSampler(step.Order ?? 4), step.Quirks);
}
