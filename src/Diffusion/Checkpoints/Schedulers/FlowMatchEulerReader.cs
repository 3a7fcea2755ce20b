using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>FlowMatchEulerDiscreteScheduler: Euler's method on the straight path. (Liu et al. 2022; Esser et al. 2024)</summary>
/// <remarks>
/// With <c>invert_sigmas</c> the network counts time from noise to data and predicts x₀ − x₁; the levels are the same ones seen from the other end. With
/// <c>stochastic_sampling</c> every step draws its noise anew.
/// </remarks>
internal sealed class FlowMatchEulerReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["FlowMatchEulerDiscreteScheduler"];

    public override RunArguments Run => RunArguments.Sigmas | RunArguments.Timesteps | RunArguments.Mu;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. LevelKeys(),
        ConfigKey.Flag("stochastic_sampling", false),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (trainingSteps, inverted, stochastic) = (values.Integer("num_train_timesteps"), values.Flag("invert_sigmas"), values.Flag("stochastic_sampling"));
        if (!(values.Number("shift") > 0)) throw values.Wrong("shift", $"is {values.Number("shift")}; a positive number is needed.");
        if (inverted && stochastic) throw values.Wrong("stochastic_sampling", "and 'invert_sigmas' are both true; drawing noise anew is defined from noise to data only.");
        _ = PublishedSigmas.Ramp(values);
        var schedule = new RectifiedFlowSchedule();
        var velocity = Parameterization.Velocity(NoiseLabel.Time(trainingSteps));
        return new SchedulerPlan(config, schedule, inverted ? new NegatedParameterization(velocity) : velocity, stochastic ? new ConsistencySampler() : new EulerSampler(), Grid)
        {
            Unit = level => inverted ? 1 - level.Sigma : level.Sigma,
            // Quirk: noising mixes as if nothing were inverted.
            ForwardLevel = inverted && step.Quirks ? (_, t) => schedule.At(t / trainingSteps) : null,
        };

        TimeGrid Grid(RunOptions run)
        {
            var ladder = FlowMatchLevels.Ladder(Sigmas(values, run, trainingSteps), trainingSteps);
            if (inverted) ladder = ladder with { Timesteps = Array.ConvertAll(ladder.Sigmas, sigma => (1 - sigma) * trainingSteps) };
            return ladder.Flow(schedule);
        }
    }

    /// <summary>The keys of the noise levels.</summary>
    public static IEnumerable<ConfigKey> LevelKeys() =>
    [
        ConfigKey.TrainingSteps(1000),
        ConfigKey.Number("shift", 1),
        ConfigKey.Flag("use_dynamic_shifting", false),
        ConfigKey.OptionalNumber("base_shift"),
        ConfigKey.OptionalNumber("max_shift"),
        ConfigKey.Integer("base_image_seq_len", 256),
        ConfigKey.Integer("max_image_seq_len", 4096),
        ConfigKey.Flag("invert_sigmas", false),
        ConfigKey.OptionalNumber("shift_terminal"),
        .. PublishedSigmas.Keys(),
        ConfigKey.Choice("time_shift_type", "exponential", "exponential", "linear"),
    ];

    /// <summary>The noise levels of a run.</summary>
    public static double[] Sigmas(ConfigValues values, RunOptions run, int trainingSteps)
    {
        var dynamic = values.Flag("use_dynamic_shifting");
        if (dynamic != run.Mu is not null)
            throw new ArgumentException(dynamic ? "'use_dynamic_shifting' is true: give the run its Mu." : "Mu is taken only where 'use_dynamic_shifting' is true.", nameof(run));
        var shift = !dynamic ? values.Number("shift") : values.Choice("time_shift_type") == "exponential" ? Math.Exp(run.Mu!.Value) : run.Mu!.Value;
        double[] sigmas;
        if (run.Sigmas is { } given) sigmas = Array.ConvertAll([.. given], sigma => FlowMatchLevels.Shift(sigma, shift));
        else if (run.Timesteps is { } timesteps) sigmas = Array.ConvertAll([.. timesteps], t => FlowMatchLevels.Shift(t / trainingSteps, shift));
        else if (!dynamic) sigmas = FlowMatchLevels.Shifted(trainingSteps, run.Steps!.Value, shift);
        else sigmas = Array.ConvertAll(PublishedTimesteps.Linspace(trainingSteps, 1, run.Steps!.Value), t => FlowMatchLevels.Shift(t / trainingSteps, shift));
        if (values.OptionalNumber("shift_terminal") is { } terminal and not 0)
        {
            // Stretched so that the last level is the given one.
            var scale = (1 - sigmas[^1]) / (1 - terminal);
            sigmas = Array.ConvertAll(sigmas, sigma => 1 - (1 - sigma) / scale);
        }

        return PublishedSigmas.Ramp(values) is { } ramp ? PublishedSigmas.Along(ramp, sigmas[0], sigmas[^1], sigmas.Length) : sigmas;
    }
}
