using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>UniPCMultistepScheduler. (Zhao et al. 2023)</summary>
internal sealed class UniPcReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["UniPCMultistepScheduler"];

    public override RunArguments Run => RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. SolverFamily.Keys(),
        .. SolverFamily.SpacingKeys(),
        ConfigKey.Integer("solver_order", 2, minimum: 1),
        ConfigKey.Flag("predict_x0", true),
        ConfigKey.Choice("solver_type", "bh2", "bh1", "bh2", "midpoint", "heun", "logrho"), // the siblings' names mean the default
        ConfigKey.Flag("lower_order_final", true),
        ConfigKey.Integers("disable_corrector"),
        ConfigKey.OptionalChoice("solver_p"), // another scheduler as the predictor: only null is read
        SolverFamily.FinalKey(),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
        .. SolverLadder.DynamicKeys(),
        ConfigKey.OptionalNumber("sigma_min"),
        ConfigKey.OptionalNumber("sigma_max"),
        ConfigKey.OptionalNumber("shift_terminal"),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        if (values.OptionalNumber("shift_terminal") is not null) throw values.Wrong("shift_terminal", "is set, which is not supported.");
        var variable = values.Flag("predict_x0") ? SolverVariable.Data : SolverVariable.Noise;
        var sampler = new UniPcSampler(
            SolverFamily.Order(values, "solver_order", 1, 4),
            variable,
            values.Choice("solver_type") == "bh1" ? UniPcScale.Bh1 : UniPcScale.Bh2,
            values.Flag("lower_order_final") ? MultistepEnding.Descending : MultistepEnding.Full,
            uncorrected: values.Integers("disable_corrector"));
        return SolverFamily.Plan(config, values, sampler, variable == SolverVariable.Noise, (trained, run) => SolverLadder.Of(values, trained, run, SolverLadder.End.ChosenOfRamp, flowFromNoise: true));
    }
}
