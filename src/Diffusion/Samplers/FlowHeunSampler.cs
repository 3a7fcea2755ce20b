namespace Diffusion.Samplers;

/// <summary>
/// Heun's method for the flow dx/dt = u = α̇·x̂₀ + σ̇·ε̂ in the schedule's own time: x' = x + ½h·(u(x, t) + u(x + h·u, t + h)). Second order, two evaluations a
/// step. On the straight path it is the trapezoidal rule of rectified flow, and it starts from pure noise. (Liu et al. 2022, section 2.1)
/// </summary>
/// <remarks>Unlike <see cref="HeunSampler"/> it depends on the schedule's clock. It needs levels that the schedule names; the step to clean data is the estimate.</remarks>
public sealed class FlowHeunSampler : Sampler
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A level has no time or an infinite slope.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (Timed(step.From), Timed(step.To));
        var h = to.Time - from.Time;
        var start = new LinearForm { { 1, x } };
        var first = Velocity(step.Denoise(x), start, from);
        var inside = new LinearForm { { 1, x }, { h, first } };
        var second = Velocity(step.Denoise(inside.Evaluate(), step.End), inside, to);
        return new LinearForm { { 1, x }, { h / 2, first }, { h / 2, second } }.Evaluate();
    }

    private static LinearForm Velocity(Estimate estimate, LinearForm x, NoiseLevel level) =>
        new() { { level.AlphaDot, estimate.Data }, { level.SigmaDot, LinearForm.Noise(estimate, x, level) } };

    private static NoiseLevel Timed(NoiseLevel level) => double.IsFinite(level.Time) && double.IsFinite(level.AlphaDot) && double.IsFinite(level.SigmaDot)
        ? level
        : throw new ArgumentException($"The flow in time needs levels with a time and finite slopes; t = {level.Time}, dα/dt = {level.AlphaDot}, dσ/dt = {level.SigmaDot}.", nameof(level));
}
