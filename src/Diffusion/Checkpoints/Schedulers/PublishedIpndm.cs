using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Quirk: iPNDM whose first step, from pure noise, divides by α = 10⁻⁸ the difference of two equal states, and so takes the data for 0.</summary>
internal sealed class PublishedIpndm : Sampler
{
    private readonly PndmSampler _plain = new(PndmWarmUp.LowerOrders);

    protected internal override int HistoryLength => _plain.HistoryLength;

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        if (step.From.Alpha > 0) return _plain.Take(step, x);
        step.Keep(step.Denoise(x).NoiseAt(x, step.From));
        return x.mul(step.To.Sigma);
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
