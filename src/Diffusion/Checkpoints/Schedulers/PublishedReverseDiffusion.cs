using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirks: the reverse diffusion predictor takes its variance from the geometric ladder of n levels, at the rung that truncating (n − 1)·t in float32 leads to, while the network is asked
/// at the level of t itself. The last step goes from the lowest rung to clean data, noise and all.
/// </summary>
/// <param name="schedule">The process.</param>
internal sealed class PublishedReverseDiffusion(VarianceExplodingSchedule schedule) : Sampler
{
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var last = step.Grid.Count - 1;
        var rung = (int)((float)step.From.Time * last);
        double Variance(int i) => i < 0 ? 0 : Math.Pow(schedule.At(last == 0 ? 0 : (double)i / last).Sigma, 2);
        var variance = Variance(rung) - Variance(rung - 1);
        return new LinearForm
        {
            { 1, x },
            { -variance / step.From.Sigma, LinearForm.Noise(step.Denoise(x), x, step.From) },
            { Math.Sqrt(variance), step.Noise(x) },
        }.Evaluate();
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
