using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: DPM2 ancestral whose σ_down is the root of a difference of squares in float32, σ'² − σ'²(σ² − σ'²)/σ². After a long step few of its digits are right.
/// </summary>
internal sealed class PublishedDpm2Ancestral : Sampler
{
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var (from, to) = ((float)step.From.Sigma, (float)step.To.Sigma);
        var up = MathF.Sqrt(to * to * (from * from - to * to) / (from * from));
        var down = MathF.Sqrt(to * to - up * up);
        return Dpm2Sampler.Ancestral(step, x, new AncestralSplit(NoiseLevel.Of(1, down), up), 1);
    }
}
