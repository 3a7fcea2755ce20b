namespace Diffusion.Denoisers;

/// <summary>Guidance of a denoiser bound to the double batch [unconditional; conditional].</summary>
internal sealed class BatchedGuidance(IDenoiser twofold, GuidanceRule rule) : DenoiserDecorator(twofold)
{
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var both = Inner[0].Denoise(cat([x, x], 0), at);
        var data = both.Data.chunk(2, 0);
        var variance = both.VarianceOutput?.chunk(2, 0);
        var conditional = new Estimate(data[1], varianceOutput: variance?[1]);
        return rule.Combine(x, at.Level, conditional, new Estimate(data[0], varianceOutput: variance?[0])).MoveToOuterDisposeScope();
    }

    public override IDenoiser BeginRun()
    {
        var fresh = rule.BeginRun();
        return ReferenceEquals(fresh, rule) ? base.BeginRun() : new RunWithRule(new BatchedGuidance(Inner[0], fresh).BeginInner(), fresh);
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new BatchedGuidance(inner[0], rule);

    private IDenoiser BeginInner() => base.BeginRun();
}
