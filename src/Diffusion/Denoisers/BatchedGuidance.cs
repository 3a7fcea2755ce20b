namespace Diffusion.Denoisers;

/// <summary>Classifier-free guidance of a denoiser bound to the double batch [dropped; conditional].</summary>
internal sealed class BatchedGuidance(IDenoiser twofold, double scale) : DenoiserDecorator(twofold)
{
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var both = Inner[0].Denoise(cat([x, x], 0), at);
        var data = both.Data.chunk(2, 0);
        var noise = both.Noise?.chunk(2, 0);
        var variance = both.VarianceOutput?.chunk(2, 0);
        var conditional = new Estimate(data[1], noise?[1], variance?[1]);
        var guided = ClassifierFreeGuidance.Combine(x, at.Level, conditional, new Estimate(data[0], noise?[0]), scale);
        return guided.MoveToOuterDisposeScope();
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new BatchedGuidance(inner[0], scale);
}
