using Diffusion.Samplers;
namespace Diffusion.Checkpoints.Schedulers;

/// <summary>UnCLIPScheduler: ancestral sampling of the unCLIP prior and decoder on the cosine schedule. (Ramesh et al. 2022)</summary>
internal sealed class UnclipReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["UnCLIPScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        ConfigKey.TrainingSteps(1000),
        ConfigKey.Choice("variance_type", "fixed_small_log", "fixed_small_log", "learned_range"),
        ConfigKey.Flag("clip_sample", true),
        ConfigKey.Number("clip_sample_range", 1),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample"),
        ConfigKey.Choice("beta_schedule", "squaredcos_cap_v2", "squaredcos_cap_v2"),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var variance = values.Choice("variance_type") == "learned_range" ? ReverseVariance.LearnedRange : ReverseVariance.Small;
        Sampler sampler = step.Quirks ? new PublishedAncestral(schedule, variance, TrainedSchedule.Rates(values)) : new DdpmSampler(variance);
        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), sampler, Grid)
        {
            Decorate = TrainedSchedule.Clipping(values, keepNoise: false),
        };

        // Multiples of (T − 1)/(n − 1), rounded.
        TimeGrid Grid(RunOptions run)
        {
            var (steps, last) = (run.Steps!.Value, schedule.TrainingSteps - 1);
            if (steps < 2 || steps > last + 1)
                throw new ArgumentException($"{steps} steps were asked for; UnCLIPScheduler takes 2 … {last + 1}.", nameof(run));
            var stride = (double)last / (steps - 1);
            var timesteps = new int[steps];
            for (var i = 0; i < steps; i++) timesteps[i] = (int)Math.Round((steps - 1 - i) * stride);
            return schedule.LabelledGrid(timesteps);
        }
    }
}
