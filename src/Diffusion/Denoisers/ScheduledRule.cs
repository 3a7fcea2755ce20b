namespace Diffusion.Denoisers;

/// <summary>The linear rule with w of the level.</summary>
internal sealed class ScheduledRule(Func<NoiseLevel, double> scale) : GuidanceRule
{
    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        var w = scale(level);
        if (!double.IsFinite(w)) throw new InvalidOperationException($"The guidance scale at σ/α = {level.NoiseToSignal:g6} is {w}; it must be finite.");
        return LinearRule.Combine(x, level, conditional, unconditional, w);
    }
}
