using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DDIMInverseScheduler: from data up to noise.</summary>
/// <remarks>
/// Quirks: the network is told the timestep that a step goes to, and the first step starts at α = 1, σ = 0, where the noise is still the network's
/// output. <see cref="AlmostClean"/> stands for that limit.
/// </remarks>
internal sealed class DdimInverseReader : SchedulerReader
{
    /// <summary>σ of the limit of clean data: so small that α is 1 and the state the data to the last digit.</summary>
    private const double AlmostClean = 1e-12;

    public override IReadOnlyList<string> ClassNames => ["DDIMInverseScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(),
        ConfigKey.Flag("clip_sample", true),
        ConfigKey.Flag("set_alpha_to_one", true),
        ConfigKey.Integer("steps_offset", 0),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction"),
        ConfigKey.Number("clip_sample_range", 1),
        ConfigKey.Choice("timestep_spacing", "leading", "leading", "trailing"),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var first = values.Flag("set_alpha_to_one") ? NoiseLevel.Of(1, AlmostClean) : schedule.AtTimestep(0);
        TimeGrid Grid(RunOptions run)
        {
            var timesteps = PublishedTimesteps.Trained(values, run.Steps!.Value);
            Array.Reverse(timesteps);
            var stride = schedule.TrainingSteps / timesteps.Length;
            return new TimeGrid(schedule, Array.ConvertAll(timesteps, t => new GridStep(new NoisePoint(schedule.LevelOr(t - stride, first), t), schedule.AtTimestep(t))));
        }

        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), new DdimSampler(), Grid)
        {
            NoiseFromOutput = true,
            Decorate = TrainedSchedule.Clipping(values, keepNoise: true),
        };
    }
}
