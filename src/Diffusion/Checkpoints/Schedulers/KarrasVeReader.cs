using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>KarrasVeScheduler: Heun's method with churn on a variance-exploding model. (Karras et al. 2022, algorithm 2)</summary>
/// <remarks>
/// Quirks: the levels of a run are squares, from σ_max² down to σ_min², but the start has the deviation σ_max; and the network of the published pipeline gets (x + 1)/2, is told σ/2 and predicts
/// 2/σ² times the change of the state.
/// </remarks>
internal sealed class KarrasVeReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["KarrasVeScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        ConfigKey.Number("sigma_min", 0.02),
        ConfigKey.Number("sigma_max", 100),
        ConfigKey.Number("s_noise", 1.007),
        ConfigKey.Number("s_churn", 80),
        ConfigKey.Number("s_min", 0.05),
        ConfigKey.Number("s_max", 50),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (min, max) = (values.Number("sigma_min"), values.Number("sigma_max"));
        if (!(min > 0) || !(max >= min) || !double.IsFinite(max)) throw values.Wrong("sigma_max", $"is {max} and 'sigma_min' {min}; both must be positive and finite, the first no smaller.");
        var (churn, scale, low, high) = (values.Number("s_churn"), values.Number("s_noise"), values.Number("s_min"), values.Number("s_max"));
        if (!(churn >= 0)) throw values.Wrong("s_churn", $"is {churn}; a number of at least 0 is needed.");
        if (!(scale >= 0) || !double.IsFinite(scale)) throw values.Wrong("s_noise", $"is {scale}; a finite number of at least 0 is needed.");
        if (!(low >= 0 && high >= low)) throw values.Wrong("s_max", $"is {high} and 's_min' {low}; neither may be negative, nor the first smaller.");
        var schedule = new VarianceExplodingForm(new RectifiedFlowSchedule());
        return new SchedulerPlan(config, schedule, new KarrasVeParameterization(), new HeunSampler(new Churn(churn, low, high, scale)), run => Ladder(min * min, max * max, run.Steps!.Value).Exploding(schedule))
        {
            StartDeviation = _ => max,
            Decorate = static denoiser => new OffsetDenoiser(denoiser, 1),
        };
    }

    private static SigmaLadder Ladder(double least, double greatest, int steps)
    {
        var sigmas = new double[steps];
        for (var i = 0; i < steps; i++) sigmas[i] = (float)(greatest * Math.Pow(least / greatest, steps == 1 ? 0 : i / (steps - 1.0)));
        return new SigmaLadder(sigmas, Array.ConvertAll(sigmas, sigma => sigma / 2), 0);
    }
}
