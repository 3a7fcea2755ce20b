using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>UniPCMultistepScheduler. (Zhao et al. 2023)</summary>
/// <remarks>
/// Quirks: its flow is spaced from pure noise, of which the first level keeps almost nothing of the data; a ramp of a flow is one in σ/α, each level σ/(1 + σ); with
/// the noise as its variable nothing is thresholded.
/// </remarks>
internal sealed class UniPcReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["UniPCMultistepScheduler"];

    private const double Almost = 1e-6; // of the first level of a flow, how far it stays from 1

    public override RunArguments Run => RunArguments.Sigmas | RunArguments.Mu;

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
        var flow = values.Flag("use_flow_sigmas");
        if (!flow && values.OptionalNumber("shift_terminal") is not null) throw values.Wrong("shift_terminal", "is set, which needs 'use_flow_sigmas'.");
        if (values.OptionalNumber("shift_terminal") is { } terminal && !(terminal >= 0 && terminal < 1)) throw values.Wrong("shift_terminal", $"is {terminal}; a number in [0, 1) is needed.");
        if (flow && !(values.Number("flow_shift") > 0)) throw values.Wrong("flow_shift", $"is {values.Number("flow_shift")}; a positive number is needed.");
        if (!values.Flag("predict_x0") && values.Choice("prediction_type") == "flow_prediction")
            throw values.Wrong("predict_x0", "is false, but 'prediction_type' is \"flow_prediction\": with a flow only the data can be the variable.");
        var variable = values.Flag("predict_x0") ? SolverVariable.Data : SolverVariable.Noise;
        var sampler = new UniPcSampler(
            SolverFamily.Order(values, "solver_order", 1, 4),
            variable,
            values.Choice("solver_type") == "bh1" ? UniPcScale.Bh1 : UniPcScale.Bh2,
            values.Flag("lower_order_final") ? MultistepEnding.Descending : MultistepEnding.Full,
            uncorrected: values.Integers("disable_corrector"));
        return SolverFamily.Plan(config, values, sampler, variable == SolverVariable.Noise,
            (trained, run) => flow ? Flow(values, trained, run) : Trained(values, trained, run), ownFlow: true, thresholdsNoise: false);
    }

    private static SigmaLadder Trained(ConfigValues values, DiscreteSchedule trained, RunOptions run)
    {
        if (run.Sigmas is not null || run.Mu is not null) throw new ArgumentException("Sigmas and Mu are taken only where 'use_flow_sigmas' is true.", nameof(run));
        return SolverLadder.Of(values, trained, run, SolverLadder.End.ChosenOfRamp);
    }

    private static SigmaLadder Flow(ConfigValues values, DiscreteSchedule trained, RunOptions run)
    {
        var levels = PublishedSigmas.Ramp(values) is null ? Spaced(values, trained, run)
            : Array.ConvertAll(SolverLadder.Of(values, trained, run, SolverLadder.End.ChosenOfRamp).Sigmas, sigma => sigma / (1 + sigma));
        var timesteps = Array.ConvertAll(levels, level => Math.Truncate(level * trained.TrainingSteps));
        // Rounded, because next to pure noise 1 − σ shows the last digit of σ.
        levels = Array.ConvertAll(levels, level => (double)(float)level);
        return new SigmaLadder(levels, timesteps, values.Choice("final_sigmas_type") == "zero" ? 0 : levels[^1]);
    }

    private static double[] Spaced(ConfigValues values, DiscreteSchedule trained, RunOptions run)
    {
        var dynamic = values.Flag("use_dynamic_shifting");
        if (dynamic != run.Mu is not null)
            throw new ArgumentException(dynamic ? "'use_dynamic_shifting' is true: give the run its Mu." : "Mu is taken only where 'use_dynamic_shifting' is true.", nameof(run));
        var shift = !dynamic ? values.Number("flow_shift") : values.Choice("time_shift_type") == "exponential" ? Math.Exp(run.Mu!.Value) : run.Mu!.Value;
        double[] levels = run.Sigmas is { } given ? [.. given] : PublishedTimesteps.Linspace(1, 1.0 / trained.TrainingSteps, run.Steps!.Value + 1)[..^1];
        levels = Array.ConvertAll(levels, level => FlowMatchLevels.Shift(level, shift));
        if (values.OptionalNumber("shift_terminal") is { } terminal and not 0)
        {
            // Stretched so that the last level is the given one.
            var scale = (1 - levels[^1]) / (1 - terminal);
            levels = Array.ConvertAll(levels, level => 1 - (1 - level) / scale);
        }

        if (Math.Abs(levels[0] - 1) < Almost) levels[0] -= Almost;
        return levels;
    }
}
