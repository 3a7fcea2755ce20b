using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>FlowMatchLCMScheduler: multistep consistency sampling on the straight path. It cannot change the resolution during a run.</summary>
internal sealed class FlowMatchLcmReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["FlowMatchLCMScheduler"];

    public override RunArguments Run => RunArguments.Sigmas | RunArguments.Timesteps | RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. FlowMatchEulerReader.LevelKeys(),
        ConfigKey.Numbers("scale_factors"),
        ConfigKey.Choice("upscale_mode", "bicubic", "nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        if (values.Numbers("scale_factors") is { Length: > 0 }) throw values.Wrong("scale_factors", "changes the resolution during a run, which is not supported; null is needed.");
        if (values.Flag("invert_sigmas")) throw values.Wrong("invert_sigmas", "is true; drawing noise anew is defined from noise to data only.");
        if (!(values.Number("shift") > 0)) throw values.Wrong("shift", $"is {values.Number("shift")}; a positive number is needed.");
        _ = PublishedSigmas.Ramp(values);
        var (schedule, trainingSteps) = (new RectifiedFlowSchedule(), values.Integer("num_train_timesteps"));
        return new SchedulerPlan(config, schedule, Parameterization.Velocity(NoiseLabel.Time(trainingSteps)), new ConsistencySampler(),
            run => FlowMatchLevels.Ladder(FlowMatchEulerReader.Sigmas(values, run, trainingSteps), trainingSteps).Flow(schedule));
    }
}
