using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>ScoreSdeVeScheduler: predictor–corrector sampling of the variance-exploding process. (Song et al. 2021)</summary>
/// <remarks>The predictor's quirks are those of <see cref="PublishedReverseDiffusion"/>. The network predicts the score and is told σ.</remarks>
internal sealed class ScoreSdeVeReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["ScoreSdeVeScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        ConfigKey.TrainingSteps(2000),
        ConfigKey.Number("snr", 0.15),
        ConfigKey.Number("sigma_min", 0.01),
        ConfigKey.Number("sigma_max", 1348),
        ConfigKey.Number("sampling_eps", 1e-5),
        ConfigKey.Integer("correct_steps", 1),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (min, max, last, ratio) = (values.Number("sigma_min"), values.Number("sigma_max"), values.Number("sampling_eps"), values.Number("snr"));
        if (!(min > 0) || !(max > min) || !double.IsFinite(max)) throw values.Wrong("sigma_max", $"is {max} and 'sigma_min' {min}; both must be positive and finite, the first the larger.");
        if (!(last >= 0 && last <= 1)) throw values.Wrong("sampling_eps", $"is {last}; the last time lies in [0, 1].");
        var corrections = values.Integer("correct_steps");
        if (corrections > 0 && (!(ratio > 0) || !double.IsFinite(ratio))) throw values.Wrong("snr", $"is {ratio}; a positive number is needed.");
        var schedule = new VarianceExplodingSchedule(min, max);
        var predictor = new PublishedReverseDiffusion(schedule);
        Sampler sampler = corrections > 0 ? new PredictorCorrectorSampler(predictor, LangevinCorrector.SignalToNoise(ratio, corrections)) : predictor;
        return new SchedulerPlan(config, schedule, Parameterization.Score(NoiseLabel.NoiseToSignal), sampler, Grid)
        {
            StartDeviation = _ => max,
            NoiseFromOutput = true,
        };

        TimeGrid Grid(RunOptions run) => TimeGrid.FromPoints(schedule, Array.ConvertAll(Float32Rates.Linspace(1, last, run.Steps!.Value), time =>
        {
            var level = schedule.At((float)time);
            return new NoisePoint(level, level.Sigma);
        }));
    }
}
