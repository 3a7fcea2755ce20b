using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DEISMultistepScheduler. (Zhang and Chen 2022)</summary>
internal sealed class DeisReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["DEISMultistepScheduler"];

    public override RunArguments Run => RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. SolverFamily.Keys(),
        .. SolverFamily.SpacingKeys(),
        ConfigKey.Integer("solver_order", 2, minimum: 1),
        ConfigKey.Choice("algorithm_type", "deis", "deis", "dpmsolver", "dpmsolver++"), // the siblings' names mean the same
        ConfigKey.Choice("solver_type", "logrho", "logrho", "midpoint", "heun", "bh1", "bh2"),
        ConfigKey.Flag("lower_order_final", true),
        .. SolverLadder.DynamicKeys(),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var sampler = new DeisSampler(SolverFamily.Order(values, "solver_order", 1, 3), DpmSolverForms.Ending(values));
        return SolverFamily.Plan(config, values, sampler, noise: false, (trained, run) => SolverLadder.Of(values, trained, run, SolverLadder.End.Repeated));
    }
}
