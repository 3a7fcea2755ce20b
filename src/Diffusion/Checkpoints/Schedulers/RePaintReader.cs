using Diffusion.Denoisers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>RePaintScheduler: inpainting with resampling. (Lugmayr et al. 2022)</summary>
internal sealed class RePaintReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["RePaintScheduler"];

    public override RunArguments Run => RunArguments.Jumps;

    public override StepArguments Step => StepArguments.Image;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(more: ["sigmoid"]),
        ConfigKey.Number("eta", 0),
        ConfigKey.Flag("clip_sample", true),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var eta = values.Number("eta");
        if (!(eta >= 0 && eta <= 1)) throw values.Wrong("eta", $"is {eta}; a number in [0, 1] is needed.");
        var clips = values.Flag("clip_sample");
        TimeGrid Grid(RunOptions run)
        {
            var (length, samples) = (run.JumpLength ?? 10, run.JumpSamples ?? 10);
            if (length < 1 || samples < 1) throw new ArgumentException($"A jump of {length} steps and {samples} walks were asked for; both are at least 1.", nameof(run));
            return PublishedRePaint.Grid(schedule, run.Steps!.Value, length, samples);
        }

        var sampler = new PublishedRePaint(TrainedSchedule.Rates(values), eta, step.Image, step.KnownMask);
        return new SchedulerPlan(config, schedule, Parameterization.Epsilon(NoiseLabel.Timestep(schedule.TrainingSteps)), sampler, Grid)
        {
            Decorate = inner => clips ? new ClampedDenoiser(inner, 1, keepNoise: true) : inner,
        };
    }
}
