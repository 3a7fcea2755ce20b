namespace Diffusion.Samplers;

/// <summary>
/// DEIS in ln ρ: with ρ = σ/α, x'/α' = x/α + Σ_j ε̂_{i−j}·∫_ρ^{ρ'} ℓ_j(ln τ) dτ, ℓ_j the Lagrange polynomials through the last estimates of the noise. One
/// evaluation a step; the first steps have lower order. (Zhang and Chen 2022, eq. 14 with its log-ρ variant)
/// </summary>
/// <remarks>
/// As ln ρ = −λ it is the exponential Adams method in the noise: of order 1 DDIM, of order 2 the multistep DPM-Solver-2 with <see cref="SecondOrder.Heun"/>, of
/// order 3 its DPM-Solver-3.
/// </remarks>
public sealed class DeisSampler : Sampler
{
    private readonly MultistepEnding _ending;

    /// <summary>The method of an order.</summary>
    /// <param name="order">How many estimates a step uses, in 1 … 4; the paper goes to 4.</param>
    /// <param name="ending">How the order falls at the end of a run.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not in 1 … 4.</exception>
    public DeisSampler(int order = 2, MultistepEnding ending = default)
    {
        if (order is < 1 or > 4) throw new ArgumentOutOfRangeException(nameof(order), order, "DEIS has the orders 1 to 4.");
        (Order, _ending) = (order, ending);
    }

    /// <summary>The order.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => Order - 1;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The step starts at pure noise (α = 0).</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var solution = new ExponentialStep(step.From, step.To, SolverVariable.Noise, eta: 0);
        var next = solution.Begin(x);
        solution.Integrate(next, solution.Known(solution.Ask(step, x, Order > 1), step.History, _ending.Limit(Order, step)));
        return next.Evaluate();
    }
}
