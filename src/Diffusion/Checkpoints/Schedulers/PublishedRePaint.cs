using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// The published form of RePaint: a DDIM step whose random numbers also noise the known pixels, and jumps back that are made of single trained steps. Its jump after the step from timestep t
/// multiplies the forward kernels of the timesteps t … t + ⌊T/n⌋ − 1, one timestep higher than the state's level.
/// </summary>
/// <param name="rates">The noise rates as float32 holds them.</param>
/// <param name="eta">η.</param>
/// <param name="image">The image; null where the plan is not for running.</param>
/// <param name="known">1 where it is known, 0 elsewhere.</param>
internal sealed class PublishedRePaint(double[] rates, double eta, Tensor? image, Tensor? known) : Sampler
{
    /// <summary>The grid: a step down at each timestep, and for a jump back steps that start from the timestep before it.</summary>
    public static TimeGrid Grid(DiscreteSchedule schedule, int steps, int jumpLength, int samples)
    {
        var count = Math.Min(steps, schedule.TrainingSteps);
        var stride = schedule.TrainingSteps / count;
        var left = new Dictionary<int, int>();
        for (var j = 0; j < count - jumpLength; j += jumpLength) left[j] = samples - 1;
        var grid = new List<GridStep>();
        var t = count;
        while (t >= 1)
        {
            t--;
            grid.Add(new GridStep(schedule.Labelled(t * stride), schedule.LevelOr((t - 1) * stride, schedule.Clean)));
            if (left.GetValueOrDefault(t) <= 0) continue;
            left[t]--;
            for (var up = 0; up < jumpLength; up++, t++)
                grid.Add(new GridStep(schedule.Labelled(t * stride), schedule.AtTimestep((t + 1) * stride)) { ToLabel = (t + 1) * stride });
        }

        return new TimeGrid(schedule, grid.ToArray());
    }

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        if (image is null || known is null)
            throw new InvalidOperationException($"RePaintScheduler inpaints an image: plan it with {nameof(StepOptions)}.{nameof(StepOptions.Image)} and {nameof(StepOptions.KnownMask)}.");
        return step.To.LogSnr < step.From.LogSnr ? Back(step, x) : Down(step, x, image, known);
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    private Tensor Down(SamplerStep step, Tensor x, Tensor image, Tensor known)
    {
        var (estimate, noise, to) = (step.Denoise(x), step.Noise(x), step.To);
        var variance = eta * eta * new Transition(step.From, to).PosteriorVariance;
        var unknown = estimate.Mix(x, step.From, to.Alpha, Math.Sqrt(to.Sigma * to.Sigma - variance));
        if (variance > 0) unknown = unknown.add(noise, alpha: Math.Sqrt(variance));
        return Estimate.Combine(to.Alpha, image, to.Sigma, noise).mul(known).add(unknown.mul(1 - known));
    }

    private Tensor Back(SamplerStep step, Tensor x)
    {
        var (first, last) = ((int)step.At.Label!.Value, (int)step.End.Label!.Value);
        for (var t = first; t < last; t++) x = Estimate.Combine(Math.Sqrt(1 - rates[t]), x, Math.Sqrt(rates[t]), step.Noise(x));
        return x;
    }
}
