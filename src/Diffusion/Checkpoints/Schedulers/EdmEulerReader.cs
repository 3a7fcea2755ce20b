using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>EDMEulerScheduler. (Karras et al. 2022)</summary>
/// <remarks>Quirks: sigmas that are given are places on the ramp, 0 first and 1 last; with an exponential ramp only their number counts. Its churn is <see cref="PublishedEuler"/>'s.</remarks>
internal sealed class EdmEulerReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["EDMEulerScheduler"];

    public override RunArguments Run => RunArguments.Sigmas;

    public override StepArguments Step => StepArguments.Churn | StepArguments.NoiseScale;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) => [.. EdmSettings.Keys(), ConfigKey.Number("rho", 7), ConfigKey.Choice("final_sigmas_type", "zero", "zero", "sigma_min")];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var prediction = EdmSettings.Prediction(values);
        var schedule = new VarianceExplodingForm(new RectifiedFlowSchedule());
        return new SchedulerPlan(config, schedule, prediction, step.Quirks ? new PublishedEuler(PublishedEuler.ChurnOf(step), prediction, decodeAfter: true) : new EulerSampler(PublishedEuler.ChurnOf(step)), run => EdmSettings.Ladder(values, run).Exploding(schedule))
        {
            StartDeviation = _ => EdmSettings.StartDeviation(values),
            Decorate = step.Quirks ? static denoiser => new RoundedNoise(denoiser) : static denoiser => denoiser,
        };
    }
}
