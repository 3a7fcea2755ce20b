namespace Diffusion.Denoisers;

/// <summary>D_u + w(D_c − D_u).</summary>
internal sealed class LinearRule(double scale) : GuidanceRule
{
    public override double Scale => scale;

    public override bool NeedsConditional => scale != 0;

    public override bool NeedsUnconditional => scale != 1;

    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        return Combine(x, level, conditional, unconditional, scale);
    }

    /// <summary>The rule with a given scale; the noise too where one of the estimates carries its own.</summary>
    public static Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional, double scale)
    {
        var data = Estimate.Combine(scale, conditional.Data, 1 - scale, unconditional.Data);
        var noise = conditional.Noise is null && unconditional.Noise is null ? null
            : Estimate.Combine(scale, conditional.NoiseAt(x, level), 1 - scale, unconditional.NoiseAt(x, level));
        return new Estimate(data, noise, conditional.VarianceOutput);
    }
}
