using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>CMStochasticIterativeScheduler: multistep sampling of a consistency model. (Song et al. 2023)</summary>
/// <remarks>Timesteps are places on the ρ ramp, of which the largest is the cleanest: given falling, they are walked rising. The network is told 250·ln σ.</remarks>
internal sealed class ConsistencyReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["CMStochasticIterativeScheduler"];

    public override RunArguments Run => RunArguments.Timesteps;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        ConfigKey.TrainingSteps(40, minimum: 2),
        ConfigKey.Number("sigma_min", 0.002),
        ConfigKey.Number("sigma_max", 80),
        ConfigKey.Number("sigma_data", 0.5),
        ConfigKey.Number("s_noise", 1),
        ConfigKey.Number("rho", 7),
        ConfigKey.Flag("clip_denoised", true),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var (min, max, data, rho, scale) = (values.Number("sigma_min"), values.Number("sigma_max"), values.Number("sigma_data"), values.Number("rho"), values.Number("s_noise"));
        if (!(min > 0) || !(max >= min) || !double.IsFinite(max)) throw values.Wrong("sigma_max", $"is {max} and 'sigma_min' {min}; both must be positive and finite, the first the larger.");
        if (!(data > 0) || !double.IsFinite(data)) throw values.Wrong("sigma_data", $"is {data}; a positive number is needed.");
        if (!(rho > 0) || !double.IsFinite(rho)) throw values.Wrong("rho", $"is {rho}; a positive number is needed.");
        if (!(scale >= 0) || !double.IsFinite(scale)) throw values.Wrong("s_noise", $"is {scale}; a number of at least 0 is needed.");
        var schedule = new VarianceExplodingForm(new RectifiedFlowSchedule());
        var sampler = new ConsistencySampler(NoiseLevel.Of(1, min), scale);
        return new SchedulerPlan(config, schedule, Parameterization.Consistency(data, min), sampler, run => Ladder(values, run).Exploding(schedule))
        {
            StartDeviation = _ => max,
            Decorate = values.Flag("clip_denoised") ? static denoiser => new ClampedDenoiser(denoiser) : static denoiser => denoiser,
        };
    }

    private static SigmaLadder Ladder(ConfigValues values, RunOptions run)
    {
        var (trained, min, max, rho) = (values.Integer("num_train_timesteps"), values.Number("sigma_min"), values.Number("sigma_max"), values.Number("rho"));
        int[] places;
        if (run.Timesteps is { } given) places = [.. PublishedTimesteps.Given(given, trained).Reverse()];
        else if (run.Steps!.Value is var steps && steps <= trained) places = [.. Enumerable.Range(0, steps).Select(i => i * (trained / steps))];
        else throw new ArgumentException($"{steps} steps were asked for, but the model was trained on {trained} levels.", nameof(run));
        var (a, b) = (Math.Pow(max, 1 / rho), Math.Pow(min, 1 / rho));
        var sigmas = Array.ConvertAll(places, place => place == trained - 1 ? min : Math.Pow(a + place / (trained - 1.0) * (b - a), rho));
        return new SigmaLadder(sigmas, Array.ConvertAll(sigmas, sigma => 250 * Math.Log(sigma)), min);
    }
}
