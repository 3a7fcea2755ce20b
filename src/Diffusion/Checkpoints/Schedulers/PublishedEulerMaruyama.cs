using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Quirk: Euler–Maruyama with steps of 1/n, whatever the grid says, and noise in the last one too.</summary>
internal sealed class PublishedEulerMaruyama : Sampler
{
    protected override Tensor Step(SamplerStep step, Tensor x) => new EulerMaruyamaSampler(1, 1.0 / step.Grid.Count, LastStep.Noisy).Take(step, x);

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
