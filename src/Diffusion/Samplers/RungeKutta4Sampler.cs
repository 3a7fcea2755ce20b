namespace Diffusion.Samplers;

/// <summary>
/// The classical Runge–Kutta method for dx̂/dσ̂ = ε̂: fourth order, four evaluations a step. The step to clean data, and one from pure noise (α = 0), are
/// Euler's. (Kutta 1901; Karras et al. 2022, appendix D.2)
/// </summary>
public sealed class RungeKutta4Sampler : Sampler
{
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var first = step.Denoise(x);
        if (from.Alpha == 0) return first.Mix(x, from, to.Alpha, to.Sigma);
        NoisePoint middle = step.Grid.Schedule.Between(from, to, 0.5);
        var k1 = LinearForm.Noise(first, x, from);
        var k2 = Stage(middle, k1);
        var k3 = Stage(middle, k2);
        var k4 = Stage(step.End, k3);
        return NoiseAxis.Move(x, from, to, new LinearForm { { 1.0 / 6, k1 }, { 1.0 / 3, k2 }, { 1.0 / 3, k3 }, { 1.0 / 6, k4 } }).Evaluate();

        LinearForm Stage(NoisePoint at, LinearForm slope)
        {
            var state = NoiseAxis.Move(x, from, at.Level, slope);
            return LinearForm.Noise(step.Denoise(state.Evaluate(), at), state, at.Level);
        }
    }
}
