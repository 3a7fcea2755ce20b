namespace Diffusion.Checkpoints.Schedulers;

/// <summary>x̂₀ = x + ½σ²·F(½x, ½σ) on variance-exploding states: half of the score of the published pipeline's network, which works on half of everything.</summary>
internal sealed class KarrasVeParameterization : Parameterization
{
    public override string Name => "karras-ve";

    public override NoiseLabel Label { get; } = new HalfSigma();

    public override Scalings At(NoiseLevel level)
    {
        var sigma = level.NoiseToSignal;
        return new Scalings(1 / level.Alpha, sigma * sigma / 2, 0.5 / level.Alpha, Label.At(level));
    }

    private sealed class HalfSigma : NoiseLabel
    {
        public override string Name => "half sigma";

        public override double At(NoiseLevel level) => level.NoiseToSignal / 2;
    }
}
