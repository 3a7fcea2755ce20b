using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DPMSolverMultistepScheduler, and DPMSolverMultistepInverseScheduler from data up to noise. (Lu et al. 2022)</summary>
/// <remarks>Quirk: its third order is <see cref="ThirdOrder.AsInDiffusers"/>.</remarks>
internal sealed class DpmSolverMultistepReader : SchedulerReader
{
    private const string Inverse = "DPMSolverMultistepInverseScheduler";

    public override IReadOnlyList<string> ClassNames => ["DPMSolverMultistepScheduler", Inverse];

    public override RunArguments RunOf(string className) => className == Inverse ? RunArguments.None : RunArguments.Timesteps | RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. SolverFamily.Keys(),
        .. SolverFamily.SpacingKeys(),
        .. SolverFamily.ClippedKeys(),
        ConfigKey.Integer("solver_order", 2, minimum: 1),
        DpmSolverForms.AlgorithmKey("sde-dpmsolver"),
        DpmSolverForms.SolverKey(),
        ConfigKey.Flag("lower_order_final", true),
        ConfigKey.Flag("euler_at_final", false),
        .. className == Inverse ? Enumerable.Empty<ConfigKey>() :
        [
            ConfigKey.Flag("use_lu_lambdas", false),
            SolverFamily.FinalKey(),
            ConfigKey.Flag("rescale_betas_zero_snr", false),
            .. SolverLadder.DynamicKeys(),
        ],
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var order = SolverFamily.Order(values, "solver_order", 1, 3);
        DpmSolverForms.Check(values, order);
        var variable = DpmSolverForms.Variable(values);
        var sampler = new DpmSolverMultistepSampler(order, variable, DpmSolverForms.Eta(values), DpmSolverForms.Second(values), DpmSolverForms.Third(step), DpmSolverForms.Ending(values));
        return SolverFamily.Plan(config, values, sampler, variable == SolverVariable.Noise, (trained, run) => config.ClassName == Inverse
            ? InverseLadder.Of(values, trained, run)
            : SolverLadder.Of(values, trained, run, SolverLadder.End.Chosen, keepCosineTimesteps: true));
    }
}
