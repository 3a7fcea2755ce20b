namespace Diffusion.Checkpoints.Schedulers;

/// <summary>A denoiser of data with an offset, used on data without: the states hold the data with α = 1.</summary>
/// <param name="inner">The denoiser of the data plus the offset.</param>
/// <param name="offset">The offset.</param>
internal sealed class OffsetDenoiser(IDenoiser inner, double offset) : DenoiserDecorator(inner)
{
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var estimate = Inner[0].Denoise(x.add(offset), at);
        return new Estimate(estimate.Data.sub(offset), estimate.Noise, estimate.VarianceOutput).MoveToOuterDisposeScope();
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new OffsetDenoiser(inner[0], offset);
}
