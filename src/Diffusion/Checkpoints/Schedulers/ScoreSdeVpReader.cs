using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>ScoreSdeVpScheduler: Euler–Maruyama steps of the variance-preserving process. (Song et al. 2021)</summary>
/// <remarks>
/// Quirks: a step has the length 1/n although n levels from 1 to ε lie (1 − ε)/(n − 1) apart, and the noise of the last step stays in. The network predicts ε and is told 999·t.
/// </remarks>
internal sealed class ScoreSdeVpReader : SchedulerReader
{
    private static readonly NoiseLabel _label = NoiseLabel.Time(999);

    public override IReadOnlyList<string> ClassNames => ["ScoreSdeVpScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        ConfigKey.TrainingSteps(2000),
        ConfigKey.Number("beta_min", 0.1),
        ConfigKey.Number("beta_max", 20),
        ConfigKey.Number("sampling_eps", 1e-3),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (min, max, last) = (values.Number("beta_min"), values.Number("beta_max"), values.Number("sampling_eps"));
        if (!(min >= 0) || !(max >= min) || !(max > 0) || !double.IsFinite(max))
            throw values.Wrong("beta_max", $"is {max} and 'beta_min' {min}; both must be finite and at least 0, the first positive and no smaller.");
        if (!(last > 0 && last <= 1)) throw values.Wrong("sampling_eps", $"is {last}; the last time lies in (0, 1].");
        var schedule = new VariancePreservingSchedule(min, max);
        return new SchedulerPlan(config, schedule, Parameterization.Epsilon(_label), new PublishedEulerMaruyama(), Grid) { NoiseFromOutput = true };

        TimeGrid Grid(RunOptions run) => TimeGrid.FromPoints(schedule, Array.ConvertAll(Float32Rates.Linspace(1, last, run.Steps!.Value), time =>
        {
            var level = schedule.At((float)time);
            return new NoisePoint(level, _label.At(level));
        }));
    }
}
