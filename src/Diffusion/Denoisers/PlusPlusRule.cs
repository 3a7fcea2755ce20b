namespace Diffusion.Denoisers;

/// <summary>CFG++: guided data, unconditional noise.</summary>
internal sealed class PlusPlusRule(double lambda) : GuidanceRule
{
    public override double Scale => lambda;

    public override bool NeedsConditional => lambda != 0;

    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        return new(Estimate.Combine(lambda, conditional.Data, 1 - lambda, unconditional.Data), unconditional.NoiseAt(x, level), conditional.VarianceOutput);
    }
}
