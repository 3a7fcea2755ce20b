namespace Diffusion.Samplers;

/// <summary>
/// UniPC-p: a predictor of order p, and a corrector of order p + 1 that uses the next step's estimate and so costs no evaluation. With nodes r_k in units of the step
/// h, Δ_k = (m_k − m₀)/r_k and z = ∓h: x' = (…)·x + (e^z − 1)·m₀ + B(h)·Σ_k ρ_k·Δ_k, where Σ_k r_k^{j−1}·ρ_k = φ_j(z)·j!/B(h). (Zhao et al. 2023, algorithms 1
/// and 2)
/// </summary>
/// <remarks>
/// The solution of that system is the polynomial through the estimates, integrated exactly, in which B(h) drops out. It matters only where the published method
/// fixes ρ = ½ instead: in the predictor of order 2 and in the corrector of order 1. The first steps have lower order. A step from pure noise (α = 0) is not
/// corrected, nor is the last one unless another starts where it ends.
/// </remarks>
public sealed class UniPcSampler : Sampler
{
    private const string Corrected = "corrected";

    private readonly SolverVariable _variable;
    private readonly UniPcScale _scale;
    private readonly MultistepEnding _ending;
    private readonly bool _corrects;
    private readonly HashSet<int> _uncorrected;

    /// <summary>The method of an order.</summary>
    /// <param name="order">p, in 1 … 4.</param>
    /// <param name="variable">The data or the noise.</param>
    /// <param name="scale">B(h).</param>
    /// <param name="ending">How the order falls at the end of a run; <see cref="MultistepEnding.Descending"/> as published.</param>
    /// <param name="corrects">Whether steps are corrected; without it is UniP-p, of order p.</param>
    /// <param name="uncorrected">The steps, from 0, that are not corrected all the same; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not in 1 … 4.</exception>
    public UniPcSampler(int order = 2, SolverVariable variable = SolverVariable.Data, UniPcScale scale = UniPcScale.Bh2, MultistepEnding ending = default,
        bool corrects = true, IEnumerable<int>? uncorrected = null)
    {
        if (order is < 1 or > 4) throw new ArgumentOutOfRangeException(nameof(order), order, "UniPC has the orders 1 to 4.");
        (Order, _variable, _scale, _ending, _corrects) = (order, variable, scale, ending, corrects);
        _uncorrected = [.. uncorrected ?? []];
    }

    /// <summary>p.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => Order;

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var solution = new ExponentialStep(step.From, step.To, _variable, eta: 0);
        var model = solution.Ask(step, x, forLater: true);
        x = Correct(step, x, model);
        step.Carry[Corrected] = x;
        var known = solution.Known(model, step.History, _ending.Limit(Order, step));
        var next = solution.Begin(x);
        if (known.Count == 2) Halve(solution, next, known[0].Model, known[1].Model, known[1].Node);
        else solution.Integrate(next, known);
        return next.Evaluate();
    }

    // The state of this step once more, by the step before with the estimate that is known now.
    private Tensor Correct(SamplerStep step, Tensor predicted, LinearForm model)
    {
        if (!_corrects || step.History.Count == 0 || _uncorrected.Contains(step.Index - 1)) return predicted;
        var before = step.History[0];
        var solution = new ExponentialStep(before.Level, step.From, _variable, eta: 0);
        if (solution.Length == 0 || !double.IsFinite(solution.Length)) return predicted;
        var known = solution.Known(solution.Model(before), step.History.Skip(1), _ending.Limit(Order, step.Index - 1, step.Grid));
        var corrected = solution.Begin(step.Carry[Corrected]!);
        if (known.Count == 1) Halve(solution, corrected, known[0].Model, model, 1);
        else solution.Integrate(corrected, [.. known, (1, model)]);
        return corrected.Evaluate();
    }

    // (e^z − 1)·m₀ + B(h)·½·(m₁ − m₀)/r.
    private void Halve(ExponentialStep solution, LinearForm next, LinearForm m0, LinearForm m1, double r)
    {
        next.Add(solution.Phi(1), m0);
        var half = (_scale == UniPcScale.Bh1 ? solution.Factor(solution.Argument) : solution.Phi(1)) / 2;
        next.Add(half / r, m1);
        next.Add(-half / r, m0);
    }
}
