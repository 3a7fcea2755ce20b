namespace Diffusion.Samplers;

/// <summary>
/// One step of the single-step DPM-Solver of order 1, 2 or 3: the exponential integrator of dx̂/dλ = −e^{−λ}·ε̂, whose further estimates lie
/// inside the step. In x̂ = x/α it is a step along σ̂ plus, at order 3, the exact integral of a linear change. (Lu et al. 2022, algorithms 1, 2 and 4)
/// </summary>
internal static class DpmSolverStep
{
    /// <summary>Order 2 from the noise at the start and at λ + rh.</summary>
    public static LinearForm Second(Tensor x, NoiseLevel from, NoiseLevel to, double r, LinearForm e0, LinearForm e1) =>
        NoiseAxis.Move(x, from, to, new LinearForm { { 1 - 1 / (2 * r), e0 }, { 1 / (2 * r), e1 } });

    /// <summary>
    /// The noise taken to change linearly in λ between its values at the start and at λ + h/ratio, with h the step to <paramref name="to"/>: with ratio 2 the
    /// second inner state of order 3, with ratio 3/2 its result.
    /// </summary>
    public static LinearForm Linear(Tensor x, NoiseLevel from, NoiseLevel to, double ratio, LinearForm e0, LinearForm e1)
    {
        var weight = -to.Sigma * ratio * Exponentials.ScaledPhi(2, NoiseAxis.HalfLogSnrStep(from, to)); // −σ'·ratio·((eʰ − 1)/h − 1)
        var next = NoiseAxis.Move(x, from, to, e0);
        next.Add(weight, e1);
        next.Add(-weight, e0);
        return next;
    }

    /// <summary>Order 3 with its inner levels at λ + h/3 and λ + 2h/3; the noise at the first may be known already.</summary>
    public static LinearForm Third(SamplerStep step, Tensor x, NoiseLevel from, NoiseLevel to, LinearForm e0, LinearForm? e1 = null)
    {
        e1 ??= Inner(step, x, from, to, 1.0 / 3, e0);
        var level = step.Grid.Schedule.BetweenLogSnr(from, to, 2.0 / 3);
        var e2 = Ask(step, Linear(x, from, level, 2, e0, e1), level);
        return Linear(x, from, to, 1.5, e0, e2);
    }

    /// <summary>The noise at λ + rh, at the state of order 1.</summary>
    public static LinearForm Inner(SamplerStep step, Tensor x, NoiseLevel from, NoiseLevel to, double r, LinearForm e0)
    {
        var level = step.Grid.Schedule.BetweenLogSnr(from, to, r);
        return Ask(step, NoiseAxis.Move(x, from, level, e0), level);
    }

    private static LinearForm Ask(SamplerStep step, LinearForm state, NoiseLevel level) =>
        LinearForm.Noise(step.Denoise(state.Evaluate(), level), state, level);
}
