using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>EDMDPMSolverMultistepScheduler and CosineDPMSolverMultistepScheduler: DPM-Solver++ on EDM's preconditioning. (Lu et al. 2022b; Karras et al. 2022)</summary>
/// <remarks>The cosine class has noise, and tells its network (2/π)·atan σ.</remarks>
internal sealed class EdmDpmSolverReader : SchedulerReader
{
    private const string Cosine = "CosineDPMSolverMultistepScheduler";

    public override IReadOnlyList<string> ClassNames => ["EDMDPMSolverMultistepScheduler", Cosine];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. className == Cosine ? EdmSettings.Keys(0.3, 500, 1, "exponential", "v_prediction") : EdmSettings.Keys(),
        ConfigKey.Number("rho", 7),
        ConfigKey.Integer("solver_order", 2, minimum: 1),
        ConfigKey.Choice("solver_type", "midpoint", "midpoint", "heun", "logrho", "bh1", "bh2"),
        ConfigKey.Flag("lower_order_final", true),
        ConfigKey.Flag("euler_at_final", false),
        SolverFamily.FinalKey(),
        .. className == Cosine ? Enumerable.Empty<ConfigKey>() :
        [
            .. TrainedSchedule.ThresholdingKeys(),
            ConfigKey.Choice("algorithm_type", "dpmsolver++", "dpmsolver++", "sde-dpmsolver++", "deis"),
        ],
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var cosine = config.ClassName == Cosine;
        var schedule = new VarianceExplodingForm(new RectifiedFlowSchedule());
        var label = cosine ? new ArctangentLabel() : NoiseLabel.QuarterLogSigma;
        var order = SolverFamily.Order(values, "solver_order", 1, 3);
        var eta = cosine ? 1 : DpmSolverForms.Eta(values);
        var sampler = new DpmSolverMultistepSampler(order, SolverVariable.Data, eta, DpmSolverForms.Second(values), DpmSolverForms.Third(step), DpmSolverForms.Ending(values));
        return new SchedulerPlan(config, schedule, EdmSettings.Prediction(values, label), sampler, run => EdmSettings.Ladder(values, run, label).Exploding(schedule))
        {
            StartDeviation = _ => EdmSettings.StartDeviation(values),
            Decorate = TrainedSchedule.Clipping(values, keepNoise: false),
        };
    }

    private sealed class ArctangentLabel : NoiseLabel
    {
        public override string Name => "arctangent";

        public override double At(NoiseLevel level) => Math.Atan(level.NoiseToSignal) * 2 / Math.PI;
    }
}
