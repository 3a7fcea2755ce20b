using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DPMSolverSinglestepScheduler. (Lu et al. 2022)</summary>
/// <remarks>Quirk: where the steps of a run do not fill steps of the method, or the run ends at clean data, it ends with lower order whether asked to or not.</remarks>
internal sealed class DpmSolverSinglestepReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["DPMSolverSinglestepScheduler"];

    public override RunArguments Run => RunArguments.Timesteps | RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. SolverFamily.Keys(),
        .. SolverFamily.ClippedKeys(),
        ConfigKey.Integer("solver_order", 2, minimum: 1),
        DpmSolverForms.AlgorithmKey(),
        DpmSolverForms.SolverKey(),
        ConfigKey.Flag("lower_order_final", false),
        SolverFamily.FinalKey(),
        .. SolverLadder.DynamicKeys(),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var order = SolverFamily.Order(values, "solver_order", 1, 3);
        DpmSolverForms.Check(values, order);
        var variable = DpmSolverForms.Variable(values);
        var sampler = new PublishedSinglestep(order, variable, DpmSolverForms.Eta(values), DpmSolverForms.Second(values), values.Flag("lower_order_final"), step.Quirks);
        return SolverFamily.Plan(config, values, sampler, variable == SolverVariable.Noise, (trained, run) => SolverLadder.Of(values, trained, run, SolverLadder.End.Chosen));
    }
}
