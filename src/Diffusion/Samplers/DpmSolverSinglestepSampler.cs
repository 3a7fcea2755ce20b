namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver and DPM-Solver++ single-step of orders 1 to 3, as a flow or with noise: the further estimates of a step lie inside it, at λ + h/2 (order 2) or at
/// λ + h/3 and λ + 2h/3 (order 3), and none of an earlier step is used. As many evaluations a step as the order says. (Lu et al. 2022a, algorithms 1 and 2;
/// 2022b, algorithm 1)
/// </summary>
/// <remarks>
/// All parts of a step draw their noise from one path, so the source matters: the distribution is of second order with Brownian noise, and of first with noise
/// that is drawn afresh. A step from pure noise (α = 0) has no inside and is of first order, as is the one to clean data.
/// </remarks>
public sealed class DpmSolverSinglestepSampler : Sampler
{
    private readonly SolverVariable _variable;
    private readonly double _eta;
    private readonly SecondOrder _form;
    private readonly double _noiseScale;

    /// <summary>The solver of an order.</summary>
    /// <param name="order">1, 2 or 3.</param>
    /// <param name="variable">The data for DPM-Solver++, the noise for DPM-Solver.</param>
    /// <param name="eta">η, at least 0: 0 follows the flow, 1 the reverse-time equation.</param>
    /// <param name="form">
    /// How the estimates are weighed. Midpoint as published: by ½φ₁ at order 2, and at order 3 by the line through the first and the last of three estimates.
    /// Heun: by the exact integral of the polynomial through all of them.
    /// </param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not 1, 2 or 3, or a number is negative or not finite.</exception>
    public DpmSolverSinglestepSampler(int order = 2, SolverVariable variable = SolverVariable.Data, double eta = 0, SecondOrder form = SecondOrder.Midpoint, double noiseScale = 1)
    {
        if (order is < 1 or > 3) throw new ArgumentOutOfRangeException(nameof(order), order, "The single-step DPM-Solver has the orders 1, 2 and 3.");
        (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);
        (Order, _variable, _form) = (order, variable, form);
    }

    /// <summary>The order.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var whole = new ExponentialStep(step.From, step.To, _variable, _eta);
        var m0 = whole.Ask(step, x, forLater: false);
        if (Order == 1 || !double.IsFinite(whole.Length) || whole.Length == 0) return Solve(step.To, (0, m0));
        if (Order == 2)
        {
            var middle = Ask(0.5, (0, m0));
            return _form == SecondOrder.Midpoint ? Halve(middle) : Solve(step.To, (0, m0), (0.5, middle));
        }

        var m1 = Ask(1.0 / 3, (0, m0));
        var m2 = Ask(2.0 / 3, (0, m0), (0.5, m1));
        return _form == SecondOrder.Midpoint ? Solve(step.To, (0, m0), (2.0 / 3, m2)) : Solve(step.To, (0, m0), (1.0 / 3, m1), (2.0 / 3, m2));

        // The estimate at a place of the step, at the state that the estimates so far lead to; their nodes are in units of the way there.
        LinearForm Ask(double place, params ReadOnlySpan<(double, LinearForm)> known)
        {
            var level = step.Grid.Schedule.BetweenLogSnr(step.From, step.To, place);
            var form = Sum(level, known);
            var state = form.Evaluate();
            // With noise the state itself is the shorter sum.
            return whole.Model(_eta > 0 ? new LinearForm { { 1, state } } : form, level, step.Denoise(state, level));
        }

        Tensor Solve(NoiseLevel to, params ReadOnlySpan<(double, LinearForm)> known) => Sum(to, known).Evaluate();

        LinearForm Sum(NoiseLevel to, ReadOnlySpan<(double, LinearForm)> known)
        {
            var solution = new ExponentialStep(step.From, to, _variable, _eta);
            var next = solution.Begin(x);
            solution.Integrate(next, known.ToArray());
            return WithNoise(solution, to, next);
        }

        // The estimate of the middle in place of both: m₀ + ½·(m − m₀)/½.
        Tensor Halve(LinearForm middle)
        {
            var next = whole.Begin(x);
            next.Add(whole.Phi(1), middle);
            return WithNoise(whole, step.To, next).Evaluate();
        }

        LinearForm WithNoise(ExponentialStep solution, NoiseLevel to, LinearForm next)
        {
            if (solution.Deviation > 0) next.Add(solution.Deviation * _noiseScale, step.NoiseBetween(x, step.From, to));
            return next;
        }
    }
}
