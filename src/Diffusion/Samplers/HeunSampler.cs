namespace Diffusion.Samplers;

/// <summary>
/// Heun's method for dx̂/dσ̂ = ε̂ with churn, and its two-stage relatives: with k = ε̂(x̂, σ̂) and k' = ε̂(x̂ + ahk, σ̂ + ah), h = σ̂' − σ̂,
/// x̂' = x̂ + h·[(1 − 1/2a)·k + 1/2a·k']. Second order, two evaluations a step. (Karras et al. 2022, algorithms 2 and 3)
/// </summary>
/// <remarks>The step to clean data is Euler's, as published; so is one from pure noise (α = 0), where σ̂ is infinite.</remarks>
public sealed class HeunSampler : Sampler
{
    private readonly Churn? _churn;

    /// <summary>The method with a place for its second evaluation.</summary>
    /// <param name="churn">Noise added before each step; none if null.</param>
    /// <param name="position">a, in (0, 1]: 1 is Heun's method, ½ the midpoint method, ⅔ Ralston's.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="position"/> lies outside (0, 1].</exception>
    public HeunSampler(Churn? churn = null, double position = 1)
    {
        if (!(position > 0 && position <= 1)) throw new ArgumentOutOfRangeException(nameof(position), position, "The second evaluation lies within the step, at a position in (0, 1].");
        _churn = churn;
        Position = position;
    }

    /// <summary>Where in the step the second evaluation lies.</summary>
    public double Position { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        (x, var at) = Churn.Apply(_churn, step, x);
        var (from, to) = (at.Level, step.To);
        var first = step.Denoise(x, at);
        if (from.Alpha == 0 || to.IsClean) return first.Mix(x, from, to.Alpha, to.Sigma);
        var k1 = LinearForm.Noise(first, x, from);
        var inside = Position == 1 ? step.End : step.Grid.Schedule.Between(from, to, Position);
        var state = NoiseAxis.Move(x, from, inside.Level, k1);
        var k2 = LinearForm.Noise(step.Denoise(state.Evaluate(), inside), state, inside.Level);
        var weight = 1 / (2 * Position);
        return NoiseAxis.Move(x, from, to, new LinearForm { { 1 - weight, k1 }, { weight, k2 } }).Evaluate();
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
