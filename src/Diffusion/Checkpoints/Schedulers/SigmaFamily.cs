using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>What the classes share that step in σ on a trained schedule: their keys, and a plan around a sampler.</summary>
internal static class SigmaFamily
{
    /// <summary>The keys of spacing.</summary>
    public static IEnumerable<ConfigKey> SpacingKeys() =>
        [ConfigKey.Choice("timestep_spacing", "linspace", "linspace", "leading", "trailing"), ConfigKey.Integer("steps_offset", 0)];

    /// <summary>The key of what the network predicts.</summary>
    public static ConfigKey PredictionKey(params string[] more) => ConfigKey.Choice("prediction_type", "epsilon", ["epsilon", "v_prediction", .. more]);

    /// <summary>A plan in variance-exploding coordinates.</summary>
    /// <param name="config">What is planned.</param>
    /// <param name="values">Its settings.</param>
    /// <param name="sampler">The method, given what the network's output means.</param>
    /// <param name="quirks">Whether the noise is a difference of rounded numbers, as published.</param>
    /// <param name="roundKarras">Whether the timesteps of a Karras ramp are rounded.</param>
    /// <param name="label">What the network is told; the trained timestep if null.</param>
    /// <param name="velocityOfStep">Quirk: whether the velocity target takes its factors at the trained timestep of the number of the step.</param>
    public static SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, Func<Parameterization, Sampler> sampler, bool quirks, bool roundKarras = false, NoiseLabel? label = null, bool velocityOfStep = false)
    {
        var discrete = TrainedSchedule.Of(values, finite: true);
        var schedule = new VarianceExplodingForm(discrete);
        var prediction = Parameterization.Normalized(TrainedSchedule.Prediction(values, label ?? new TrainedSigmaLabel(PublishedSigmas.Trained(discrete))));
        var clip = TrainedSchedule.Clipping(values, keepNoise: false);
        return new SchedulerPlan(config, schedule, prediction, sampler(prediction), Grid)
        {
            StartDeviation = SigmaLadder.StartDeviation(values),
            Decorate = quirks ? denoiser => new RoundedNoise(clip(denoiser)) : clip,
            VelocityLevel = velocityOfStep
                ? (grid, t) => discrete.AtTimestep(SchedulerPlan.StepAt(grid, t) ?? throw new ArgumentOutOfRangeException(nameof(t), t, "The grid has no step at this timestep."))
                : null,
        };

        TimeGrid Grid(RunOptions run)
        {
            var ladder = InterpolatedLadder.Of(values, discrete, run, roundKarras);
            if (label is not null) ladder = ladder with { Timesteps = Array.ConvertAll(ladder.Sigmas, sigma => label.At(SigmaLadder.ExplodingLevel(sigma))) };
            return ladder.Exploding(schedule);
        }
    }
}
