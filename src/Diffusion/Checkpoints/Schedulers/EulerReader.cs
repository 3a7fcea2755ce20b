using Diffusion.Samplers;
namespace Diffusion.Checkpoints.Schedulers;

/// <summary>EulerDiscreteScheduler. (Karras et al. 2022, algorithm 2 with Euler steps)</summary>
/// <remarks>Quirks: its churn is <see cref="PublishedEuler"/>'s, and its velocity target confuses the number of a step with its timestep.</remarks>
internal sealed class EulerReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["EulerDiscreteScheduler"];

    public override RunArguments Run => RunArguments.Timesteps | RunArguments.Sigmas;

    public override StepArguments Step => StepArguments.Churn | StepArguments.NoiseScale;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(),
        SigmaFamily.PredictionKey("sample"),
        ConfigKey.Choice("interpolation_type", "linear", "linear", "log_linear"),
        .. PublishedSigmas.Keys(),
        ConfigKey.OptionalNumber("sigma_min"),
        ConfigKey.OptionalNumber("sigma_max"),
        .. SigmaFamily.SpacingKeys(),
        ConfigKey.Choice("timestep_type", "discrete", "discrete", "continuous"),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
        ConfigKey.Choice("final_sigmas_type", "zero", "zero", "sigma_min"),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var predictsV = values.Choice("prediction_type") == "v_prediction";
        var continuous = predictsV && values.Choice("timestep_type") == "continuous";
        return SigmaFamily.Plan(config, values, prediction => step.Quirks ? new PublishedEuler(PublishedEuler.ChurnOf(step), prediction, decodeAfter: !predictsV) : new EulerSampler(PublishedEuler.ChurnOf(step)),
            step.Quirks, label: continuous ? NoiseLabel.QuarterLogSigma : null, velocityOfStep: step.Quirks);
    }
}
