namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: the noise as the difference between the state and its estimate, each rounded to float32. Where little noise is left few of its digits are right, and
/// a method that takes such noise over a long step shows them.
/// </summary>
/// <param name="inner">The denoiser; its states hold the data with α = 1.</param>
internal sealed class RoundedNoise(IDenoiser inner) : DenoiserDecorator(inner)
{
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var estimate = Inner[0].Denoise(x, at);
        return new Estimate(estimate.Data, x.sub(estimate.Data).div_(at.Level.Sigma), estimate.VarianceOutput).MoveToOuterDisposeScope();
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new RoundedNoise(inner[0]);
}
