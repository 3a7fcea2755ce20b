namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver++(2S) to σ̂_down, then ancestral noise: with h = λ_down − λ, u = e^{−h/2}·x̂ + (1 − e^{−h/2})·x̂₀(x̂, λ) and x̂' = e^{−h}·x̂ + (1 − e^{−h})·x̂₀(u, λ + h/2).
/// Two evaluations a step. Second order for η = 0; above, the distribution is of second order and the path of first. (Lu et al. 2022b, algorithm 1 with r = ½)
/// </summary>
/// <remarks>A step from pure noise (α = 0) or to clean data has no middle and is first order.</remarks>
public sealed class DpmPlusPlus2SAncestralSampler : Sampler
{
    private readonly double _eta;
    private readonly double _noiseScale;

    /// <summary>The sampler with an amount of noise.</summary>
    /// <inheritdoc cref="EulerAncestralSampler(double, double)"/>
    public DpmPlusPlus2SAncestralSampler(double eta = 1, double noiseScale = 1) => (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var (down, deviation) = AncestralSplit.Of(from, to, _eta);
        var x0 = step.Denoise(x).Data;
        if (from.Alpha > 0 && !down.IsClean)
        {
            var middle = step.Grid.Schedule.BetweenLogSnr(from, down, 0.5);
            x0 = step.Denoise(NoiseAxis.Decay(x, from, middle, x0).Evaluate(), middle).Data;
        }

        var next = NoiseAxis.Decay(x, from, down, x0);
        if (deviation > 0) next.Add(deviation * _noiseScale, step.NoiseBetween(x, from, to));
        return next.Evaluate();
    }
}
