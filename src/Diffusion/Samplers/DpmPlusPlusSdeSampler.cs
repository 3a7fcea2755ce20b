namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver++ with noise in two stages: an ancestral step to λ + rh with the first estimate, a second estimate there, and an ancestral step over all of h with
/// (1 − 1/2r)·x̂₀ + 1/2r·x̂₀'. Two evaluations a step; known as DPM++ SDE. (Lu et al. 2022b, section on SDE solvers)
/// </summary>
/// <remarks>
/// Both parts draw their noise from one path, so the source matters: the distribution is of second order with Brownian noise, and of first
/// with noise that is drawn afresh. A step from pure noise (α = 0) has no middle and is one ancestral step.
/// </remarks>
public sealed class DpmPlusPlusSdeSampler : Sampler
{
    private readonly double _eta;
    private readonly double _noiseScale;

    /// <summary>The sampler with an amount of noise and a place for its second evaluation.</summary>
    /// <param name="eta">η, at least 0; 1 is ancestral.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <param name="position">r in (0, 1): how far into the step, in log-SNR, the second evaluation lies.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public DpmPlusPlusSdeSampler(double eta = 1, double noiseScale = 1, double position = 0.5)
    {
        if (!(position > 0 && position < 1)) throw new ArgumentOutOfRangeException(nameof(position), position, "The second evaluation lies within the step, at a position in (0, 1).");
        (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);
        Position = position;
    }

    /// <summary>r.</summary>
    public double Position { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var x0 = step.Denoise(x).Data;
        if (from.Alpha == 0) return Ancestral(to, new LinearForm { { 1, x0 } });
        var middle = step.Grid.Schedule.BetweenLogSnr(from, to, Position);
        var second = step.Denoise(Ancestral(middle, new LinearForm { { 1, x0 } }), middle).Data;
        var weight = 1 / (2 * Position);
        return Ancestral(to, new LinearForm { { 1 - weight, x0 }, { weight, second } });

        Tensor Ancestral(NoiseLevel target, LinearForm data)
        {
            var (down, deviation) = AncestralSplit.Of(from, target, _eta);
            var next = NoiseAxis.Decay(x, from, down, data);
            if (deviation > 0) next.Add(deviation * _noiseScale, step.NoiseBetween(x, from, target));
            return next.Evaluate();
        }
    }
}
