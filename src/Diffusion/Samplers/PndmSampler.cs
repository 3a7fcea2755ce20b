namespace Diffusion.Samplers;

/// <summary>
/// Pseudo numerical methods: a DDIM step along a mixture ε̄ of noise estimates, (55ε − 59ε₋₁ + 37ε₋₂ − 9ε₋₃)/24 once four are known. With its warm-ups: PNDM,
/// PLMS and iPNDM. Second order in general. (Liu et al. 2022, eq. 11–13 and algorithm 2)
/// </summary>
/// <remarks>
/// The weights are those of equal steps in time, so give it such a grid. The step to clean data extrapolates like every other, as published; a warm-up step that
/// would have to ask at σ = 0, or that starts from pure noise (α = 0), is DDIM's.
/// </remarks>
/// <param name="warmUp">How the first steps are taken.</param>
public sealed class PndmSampler(PndmWarmUp warmUp = PndmWarmUp.RungeKutta) : Sampler
{
    private static readonly double[][] _weights = [[1], [3.0 / 2, -1.0 / 2], [23.0 / 12, -16.0 / 12, 5.0 / 12], [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24]];

    /// <inheritdoc/>
    protected internal override int HistoryLength => 3;

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var estimate = step.Denoise(x);
        var eps = estimate.NoiseAt(x, from);
        step.Keep(eps);
        if (from.Alpha == 0) return estimate.Mix(x, from, to.Alpha, to.Sigma);
        var known = step.History.Count;
        var asksAtEnd = (warmUp == PndmWarmUp.RungeKutta && known < 3) || (warmUp == PndmWarmUp.ImprovedEuler && known == 0);
        if (asksAtEnd && to.IsClean) return estimate.Mix(x, from, to.Alpha, to.Sigma);
        var mean = !asksAtEnd ? Multistep(eps, step.History) : warmUp == PndmWarmUp.RungeKutta ? RungeKutta(step, x, eps) : ImprovedEuler(step, x, eps);
        return NoiseAxis.Move(x, from, to, mean).Evaluate();
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    /// <summary>The weights of a number of estimates, newest first.</summary>
    internal static ReadOnlySpan<double> Weights(int known) => _weights[known - 1];

    private static LinearForm Multistep(Tensor eps, IReadOnlyList<StepRecord> history)
    {
        var weights = Weights(history.Count + 1);
        var mean = new LinearForm { { weights[0], eps } };
        for (var j = 1; j < weights.Length; j++) mean.Add(weights[j], history[j - 1].Kept!);
        return mean;
    }

    private static LinearForm RungeKutta(SamplerStep step, Tensor x, Tensor first)
    {
        // Half-way is meant in time; asked there twice, then at the end.
        NoisePoint middle = step.Grid.Schedule.At((step.From.Time + step.To.Time) / 2);
        var e1 = new LinearForm { { 1, first } };
        var e2 = Ask(step, x, middle, e1);
        var e3 = Ask(step, x, middle, e2);
        var e4 = Ask(step, x, step.End, e3);
        return new LinearForm { { 1.0 / 6, e1 }, { 1.0 / 3, e2 }, { 1.0 / 3, e3 }, { 1.0 / 6, e4 } };
    }

    private static LinearForm ImprovedEuler(SamplerStep step, Tensor x, Tensor first)
    {
        var e1 = new LinearForm { { 1, first } };
        return new LinearForm { { 0.5, e1 }, { 0.5, Ask(step, x, step.End, e1) } };
    }

    // ε̂ at the state that a DDIM step along a mixture reaches.
    private static LinearForm Ask(SamplerStep step, Tensor x, NoisePoint at, LinearForm eps)
    {
        var state = NoiseAxis.Move(x, step.From, at.Level, eps);
        return LinearForm.Noise(step.Denoise(state.Evaluate(), at), state, at.Level);
    }
}
