namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver-2 to σ̂_down, then ancestral noise: <see cref="Dpm2Sampler"/> with the split of <see cref="EulerAncestralSampler"/>. Two evaluations a step; known as
/// KDPM2 ancestral or DPM2 a. The distribution is of second order, the path of first.
/// </summary>
public sealed class Dpm2AncestralSampler : Sampler
{
    private readonly double _eta;
    private readonly double _noiseScale;

    /// <summary>The sampler with an amount of noise.</summary>
    /// <inheritdoc cref="EulerAncestralSampler(double, double)"/>
    public Dpm2AncestralSampler(double eta = 1, double noiseScale = 1) => (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Dpm2Sampler.Ancestral(step, x, AncestralSplit.Of(step.From, step.To, _eta), _noiseScale);
    }
}
