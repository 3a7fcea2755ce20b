namespace Diffusion.Checkpoints.Schedulers;

/// <summary>A network whose output has the other sign: x₀ − x₁ for x₁ − x₀, or the second form of EDM's.</summary>
internal sealed class NegatedParameterization(Parameterization inner) : Parameterization
{
    public override string Name => inner.Name;

    public override NoiseLabel Label => inner.Label;

    public override Scalings At(NoiseLevel level)
    {
        var scalings = inner.At(level);
        return scalings with { Out = -scalings.Out };
    }
}
