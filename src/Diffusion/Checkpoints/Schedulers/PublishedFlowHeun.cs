using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirks: Heun's method on the straight path whose velocity is the difference between the state and its estimate, rounded, over σ; and whose churn, as in <see cref="PublishedEuler"/>,
/// comes after the network was asked, adds noise as if the data's factor were 1, counts evaluations for steps, and is drawn once more in the second stage for nothing.
/// </summary>
/// <param name="churn">The churn; null for none.</param>
internal sealed class PublishedFlowHeun(Churn? churn) : Sampler
{
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var (sigma, next) = (step.From.Sigma, step.To.Sigma);
        var slope = x.sub(step.Denoise(x).Data);
        var rise = churn?.Rise(sigma, 2 * step.Grid.Count - 1) ?? 0;
        var raised = sigma * (1 + rise);
        var state = new LinearForm { { 1, x } };
        if (rise > 0) state.Add(sigma * Math.Sqrt(rise * (2 + rise)) * churn!.NoiseScale, step.Noise(x));
        var inside = new LinearForm { { 1, state }, { (next - raised) / raised, slope } }.Evaluate();
        if (step.To.IsClean) return inside;
        var second = inside.sub(step.Denoise(inside, step.End).Data);
        if (rise > 0) step.Noise(x);
        return new LinearForm { { 1, state }, { (next - raised) / (2 * raised), slope }, { (next - raised) / (2 * next), second } }.Evaluate();
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
