using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>KDPM2DiscreteScheduler and KDPM2AncestralDiscreteScheduler: DPM-Solver-2. (Lu et al. 2022)</summary>
/// <remarks>Quirk: the timesteps of a Karras ramp are rounded, those inside a step are not.</remarks>
internal sealed class Dpm2Reader : SchedulerReader
{
    private const string Ancestral = "KDPM2AncestralDiscreteScheduler";

    public override IReadOnlyList<string> ClassNames => ["KDPM2DiscreteScheduler", Ancestral];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
        [.. TrainedSchedule.Keys(0.00085, 0.012), SigmaFamily.PredictionKey(), .. PublishedSigmas.Keys(), .. SigmaFamily.SpacingKeys()];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step) =>
        SigmaFamily.Plan(config, values, _ => config.ClassName != Ancestral ? new Dpm2Sampler() : step.Quirks ? new PublishedDpm2Ancestral() : new Dpm2AncestralSampler(), step.Quirks, roundKarras: true);
}
