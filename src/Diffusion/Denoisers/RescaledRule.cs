namespace Diffusion.Denoisers;

/// <summary>The linear rule with the standard deviation of the conditional estimate.</summary>
internal sealed class RescaledRule(double scale, double mix, GuidedQuantity quantity) : GuidanceRule
{
    public override double Scale => scale;

    public override bool NeedsUnconditional => scale != 1;

    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        var linear = LinearRule.Combine(x, level, conditional, unconditional, scale);
        if (mix == 0) return linear;
        if (quantity == GuidedQuantity.Data)
        {
            var guided = linear.Data;
            return new Estimate(guided.mul(Factor(conditional.Data, guided)), linear.Noise, linear.VarianceOutput);
        }

        if (quantity == GuidedQuantity.Noise)
        {
            if (level.Alpha == 0) throw new InvalidOperationException("Rescaling the noise is undefined on pure noise (α = 0), where noise says nothing of the data; rescale the data or start below.");
            var guided = linear.NoiseAt(x, level);
            var rescaled = guided.mul(Factor(conditional.NoiseAt(x, level), guided));
            return new Estimate(Estimate.Combine(1 / level.Alpha, x, -level.Sigma / level.Alpha, rescaled), linear.Noise is null ? null : rescaled, linear.VarianceOutput);
        }

        var velocity = linear.VelocityAt(x, level);
        var factor = Factor(conditional.VelocityAt(x, level), velocity);
        return new Estimate(VelocityUnit.ToData(x, level, velocity.mul(factor)), null, linear.VarianceOutput);
    }

    // φ·std(c)/std(guided) + 1 − φ, one a sample; a sample without deviation stays.
    private Tensor Factor(Tensor conditional, Tensor guided)
    {
        var (wanted, given) = (conditional.flatten(1).std(1), guided.flatten(1).std(1));
        var ratio = where(given.eq(0), ones_like(given), wanted.div(given));
        return PerSample(ratio.mul(mix).add(1 - mix), guided);
    }
}
