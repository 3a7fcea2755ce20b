using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: ancestral sampling that also adds noise in its last step, unless that starts from the first trained timestep. It shows with a large or a
/// learned variance and a spacing that does not visit timestep 0. The posterior's variance is never less than 10⁻²⁰.
/// </summary>
internal sealed class PublishedDdpm(ReverseVariance variance) : Sampler
{
    private const double SmallestVariance = 1e-20;

    protected override Tensor Step(SamplerStep step, Tensor x) => DdpmSampler.Posterior(step, x, variance, SmallestVariance);

    protected override Tensor Finish(SamplerStep step, Tensor x) => step.At.Label > 0 ? Step(step, x) : base.Finish(step, x);
}
