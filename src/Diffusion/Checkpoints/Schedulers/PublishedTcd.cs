using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Quirks: the level between is the trained timestep ⌊(1 − γ)·t'⌋ in float32; the last step of the run adds no noise, and so ends there; callers are
/// shown the state before the noise in place of the estimate.</summary>
internal sealed class PublishedTcd(DiscreteSchedule schedule, double gamma) : Sampler
{
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var middle = schedule.AtTimestep((int)((float)(1 - gamma) * (float)step.End.Label!.Value));
        var unnoised = step.Denoise(x).Mix(x, step.From, middle.Alpha, middle.Sigma);
        step.Report(new Estimate(unnoised));
        var jump = new Transition(step.To, middle);
        if (step.Index == step.Grid.Count - 1 || jump.ForwardVariance == 0) return unnoised;
        return new LinearForm { { jump.AlphaRatio, unnoised }, { Math.Sqrt(jump.ForwardVariance), step.NoiseBetween(x, step.From, step.To) } }.Evaluate();
    }
}
