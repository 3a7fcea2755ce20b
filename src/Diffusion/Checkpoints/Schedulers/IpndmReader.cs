using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>IPNDMScheduler: PNDM without Runge–Kutta steps, for networks that predict v on the trigonometric path. (Zhang and Chen 2022)</summary>
internal sealed class IpndmReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["IPNDMScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) => [ConfigKey.TrainingSteps(1000), ConfigKey.Numbers("trained_betas")];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = new CosineSchedule(0); // α = cos(πt/2), σ = sin(πt/2)
        return new SchedulerPlan(config, schedule, Parameterization.V(NoiseLabel.Time()), step.Quirks ? new PublishedIpndm() : new PndmSampler(PndmWarmUp.LowerOrders), Grid);

        TimeGrid Grid(RunOptions run)
        {
            var steps = run.Steps!.Value;
            var sigmas = values.Numbers("trained_betas") ?? Array.ConvertAll(PublishedTimesteps.Linspace(1, 0, steps + 1), s => Math.Pow(Math.Sin(s * Math.PI / 2), 2));
            if (sigmas.Length != steps + 1)
                throw new ArgumentException($"{steps} steps were asked for, but 'trained_betas' has {sigmas.Length} noise levels, which make {sigmas.Length - 1}.", nameof(run));
            foreach (var sigma in sigmas)
                if (!(sigma >= 0 && sigma <= 1)) throw values.Wrong("trained_betas", $"holds {sigma}; noise levels lie in [0, 1].");
            var times = Array.ConvertAll(sigmas, sigma => Math.Asin(sigma) * 2 / Math.PI);
            return TimeGrid.FromPoints(schedule, Array.ConvertAll(times[..^1], t => new NoisePoint(schedule.At(t), t)), schedule.At(times[^1]));
        }
    }
}
