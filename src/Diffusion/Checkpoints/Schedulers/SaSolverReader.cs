using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>SASolverScheduler, with noise from timestep 800 down to 200. (Xue et al. 2023)</summary>
internal sealed class SaSolverReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["SASolverScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. SolverFamily.Keys(),
        .. SolverFamily.SpacingKeys(),
        .. SolverFamily.ClippedKeys(),
        ConfigKey.Integer("predictor_order", 2, minimum: 1),
        ConfigKey.Integer("corrector_order", 2),
        ConfigKey.OptionalChoice("tau_func"), // code: only null, the default, can be read
        ConfigKey.Choice("algorithm_type", "data_prediction", "data_prediction", "noise_prediction"),
        ConfigKey.Flag("lower_order_final", true),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var variable = values.Choice("algorithm_type") == "data_prediction" ? SolverVariable.Data : SolverVariable.Noise;
        var sampler = new SaSolverSampler(
            at => at.Label is >= 200 and <= 800 ? 1 : 0,
            SolverFamily.Order(values, "predictor_order", 1, 4),
            SolverFamily.Order(values, "corrector_order", 0, 5),
            variable,
            values.Flag("lower_order_final") ? MultistepEnding.Descending : MultistepEnding.Full,
            asPublished: step.Quirks);
        return SolverFamily.Plan(config, values, sampler, variable == SolverVariable.Noise, (trained, run) => SolverLadder.Of(values, trained, run, SolverLadder.End.Repeated));
    }
}
