using Diffusion.Denoisers;
using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>LCMScheduler: multistep consistency sampling of a latent consistency model. (Luo et al. 2023)</summary>
internal sealed class LcmReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["LCMScheduler"];

    public override RunArguments Run => RunArguments.Timesteps | RunArguments.Strength | RunArguments.OriginalSteps;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) => [.. DistilledTimesteps.Keys()];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var scaling = values.Number("timestep_scaling");
        if (!(scaling > 0) || !double.IsFinite(scaling)) throw values.Wrong("timestep_scaling", $"is {scaling}; a positive number is needed.");
        var clip = TrainedSchedule.Clipping(values, keepNoise: false);
        var prediction = TrainedSchedule.Prediction(values);
        return new SchedulerPlan(config, schedule, prediction, new ConsistencySampler(), run => schedule.LabelledGrid(DistilledTimesteps.Of(values, run)))
        {
            Decorate = denoiser => new ConsistencyDenoiser(clip(denoiser), prediction.Label, scaling),
        };
    }
}
