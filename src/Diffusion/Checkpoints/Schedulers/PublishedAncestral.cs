using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirks of published ancestral sampling (DDPM, unCLIP). The posterior is made of float32 differences: between close levels near clean data its
/// factors are off by up to 10⁻³. Noise is added in the last step too, unless that starts from the first trained timestep, which shows with a
/// large or learned variance. unCLIP takes β between neighbouring timesteps from the list of rates, so that its last step keeps 0.9995 of the
/// estimate, and α as 1 − β, which is nothing but rounding at the noisy end.
/// </summary>
/// <param name="schedule">The trained schedule.</param>
/// <param name="variance">The variance of a step.</param>
/// <param name="rates">The noise rates as float32 holds them, for unCLIP; null for DDPM.</param>
internal sealed class PublishedAncestral(DiscreteSchedule schedule, ReverseVariance variance, double[]? rates = null) : Sampler
{
    private const double SmallestVariance = 1e-20;

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var timestep = (int)step.At.Label!.Value;
        var previous = step.Index + 1 < step.Grid.Count ? (int)step.Grid[step.Index + 1].At.Label!.Value : -1;
        float here = (float)schedule.AlphaBar(timestep), there = previous < 0 ? 1 : (float)schedule.AlphaBar(previous);
        var (alpha, beta) = Rate(timestep, previous, here / there);
        var ratio = (1 - there) / (1 - here);

        var estimate = step.Denoise(x);
        var mean = Estimate.Combine(MathF.Sqrt(there) * beta / (1 - here), estimate.Data, MathF.Sqrt(alpha) * ratio, x);
        if (timestep == 0) return mean;
        return DdpmSampler.AddNoise(mean, step.NoiseBetween(x, step.From, step.To), estimate, variance, Math.Max(ratio * beta, SmallestVariance), beta);
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    private (float Alpha, float Beta) Rate(int timestep, int previous, float ratio)
    {
        if (rates is null) return (ratio, 1 - ratio);
        var beta = previous == timestep - 1 ? (float)rates[timestep] : 1 - ratio;
        return (1 - beta, beta);
    }
}
