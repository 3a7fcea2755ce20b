namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver-2: x̂' = x̂ + (σ̂' − σ̂)·ε̂ at the state that Euler's method reaches at the geometric mean √(σ̂σ̂'), the middle in log-SNR. Second order, two
/// evaluations a step; known as KDPM2 or DPM2. (Lu et al. 2022, algorithm 1; churn from Karras et al. 2022)
/// </summary>
/// <remarks>The step to clean data is Euler's; so is one from pure noise (α = 0), where there is no middle.</remarks>
/// <param name="churn">Noise added before each step; none if null.</param>
public sealed class Dpm2Sampler(Churn? churn = null) : Sampler
{
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        (x, var at) = Churn.Apply(churn, step, x);
        return Solve(step, x, at, step.To).Evaluate();
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    /// <summary>The deterministic step to a level.</summary>
    internal static LinearForm Solve(SamplerStep step, Tensor x, NoisePoint at, NoiseLevel to)
    {
        var from = at.Level;
        var first = step.Denoise(x, at);
        if (from.Alpha == 0 || to.IsClean) return new LinearForm { { 1, first.Mix(x, from, to.Alpha, to.Sigma) } };
        NoisePoint middle = step.Grid.Schedule.BetweenLogSnr(from, to, 0.5);
        var state = NoiseAxis.Move(x, from, middle.Level, LinearForm.Noise(first, x, from));
        var second = step.Denoise(state.Evaluate(), middle);
        return NoiseAxis.Move(x, from, to, LinearForm.Noise(second, state, middle.Level));
    }

    /// <summary>The deterministic step of a split, then its noise.</summary>
    internal static Tensor Ancestral(SamplerStep step, Tensor x, AncestralSplit split, double noiseScale)
    {
        var next = Solve(step, x, step.At, split.Down);
        if (split.Deviation > 0) next.Add(split.Deviation * noiseScale, step.NoiseBetween(x, step.From, step.To));
        return next.Evaluate();
    }
}
