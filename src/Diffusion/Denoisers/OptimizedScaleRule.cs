namespace Diffusion.Denoisers;

/// <summary>CFG-Zero*: the linear rule on velocities, the unconditional one projected on the conditional.</summary>
internal sealed class OptimizedScaleRule(double scale) : GuidanceRule
{
    public override double Scale => scale;

    public override bool NeedsUnconditional => scale != 1;

    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        var (c, u) = (conditional.VelocityAt(x, level), unconditional.VelocityAt(x, level));
        var (flatC, flatU) = (c.flatten(1), u.flatten(1));
        var size = flatU.square().sum([1L]);
        var fit = where(size.eq(0), zeros_like(size), flatC.mul(flatU).sum([1L]).div(size));
        var velocity = c.mul(scale).add(u.mul(PerSample(fit.mul(1 - scale), u))); // w·u_c + (1 − w)·s·u_u
        return new Estimate(VelocityUnit.ToData(x, level, velocity), null, conditional.VarianceOutput);
    }
}
