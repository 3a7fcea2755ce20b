namespace Diffusion.Samplers;

/// <summary>
/// SA-Solver: a stochastic Adams method. The predictor integrates the polynomial through the last estimates exactly over a step of the equation with noise τ
/// (<c>ExponentialStep</c> with η = τ²); the corrector repeats the step with the same noise and the estimate at its end, which the next step needs
/// anyway. (Xue et al. 2023, algorithm 1, eq. 14 and 17)
/// </summary>
/// <remarks>
/// With τ = 0 it is the exponential Adams–Bashforth–Moulton method for the flow; in the data and without corrector that is UniP. The first steps have lower order.
/// A step from pure noise (α = 0) is not corrected, nor is the last one unless another starts where it ends.
/// </remarks>
public sealed class SaSolverSampler : Sampler
{
    private const string Corrected = "corrected";
    private const string Noise = "noise";

    private readonly int _predictorOrder;
    private readonly int _correctorOrder;
    private readonly Func<NoisePoint, double> _tau;
    private readonly SolverVariable _variable;
    private readonly MultistepEnding _ending;
    private readonly bool _asPublished;

    /// <summary>The solver of two orders.</summary>
    /// <param name="tau">τ of the step from a point, at least 0: 0 follows the flow, 1 the reverse-time equation. Constant 1 if null.</param>
    /// <param name="predictorOrder">How many estimates the predictor uses, in 1 … 4.</param>
    /// <param name="correctorOrder">How many estimates the corrector uses, the new one included, in 1 … 5; 0 for no corrector.</param>
    /// <param name="variable">The data or the noise.</param>
    /// <param name="ending">How the predictor's order falls at the end of a run; the corrector's is at most one more.</param>
    /// <param name="asPublished">
    /// Whether two estimates in the data are weighed as in the published code: their difference is integrated without the exponential, ½H in place of Hφ₂(−H),
    /// which changes the step by O(h³).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An order is out of its range.</exception>
    public SaSolverSampler(Func<NoisePoint, double>? tau = null, int predictorOrder = 2, int correctorOrder = 2, SolverVariable variable = SolverVariable.Data,
        MultistepEnding ending = default, bool asPublished = false)
    {
        if (predictorOrder is < 1 or > 4) throw new ArgumentOutOfRangeException(nameof(predictorOrder), predictorOrder, "The predictor uses 1 to 4 estimates.");
        if (correctorOrder is < 0 or > 5) throw new ArgumentOutOfRangeException(nameof(correctorOrder), correctorOrder, "The corrector uses 1 to 5 estimates; 0 leaves it out.");
        _tau = tau ?? (static _ => 1);
        (_predictorOrder, _correctorOrder, _variable, _ending, _asPublished) = (predictorOrder, correctorOrder, variable, ending, asPublished);
    }

    // A corrector needs the step that it repeats, whatever its order.
    /// <inheritdoc/>
    protected internal override int HistoryLength => Math.Max(_predictorOrder - 1, _correctorOrder == 1 ? 1 : _correctorOrder - 1);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">τ is negative or not finite.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var solution = Solution(step.At, step.To);
        var model = solution.Ask(step, x, HistoryLength > 0);
        x = Correct(step, x, model);
        step.Carry[Corrected] = x;
        var known = solution.Known(model, step.History, _ending.Limit(_predictorOrder, step));
        var noise = solution.Deviation > 0 ? step.NoiseBetween(x, step.From, step.To) : null;
        step.Carry[Noise] = noise;
        return Adams(solution, x, known, noise);
    }

    private Tensor Correct(SamplerStep step, Tensor predicted, LinearForm model)
    {
        if (_correctorOrder == 0 || step.History.Count == 0) return predicted;
        var before = step.History[0];
        var solution = Solution(before.At, step.From);
        if (solution.Length == 0 || !double.IsFinite(solution.Length)) return predicted;
        var order = Math.Min(_correctorOrder, _ending.Limit(_correctorOrder, step.Index - 1, step.Grid) + 1);
        List<(double, LinearForm)> known = order == 1 ? [] : solution.Known(solution.Model(before), step.History.Skip(1), order - 1);
        return Adams(solution, step.Carry[Corrected]!, [(1, model), .. known], step.Carry[Noise]);
    }

    private Tensor Adams(ExponentialStep solution, Tensor x, List<(double Node, LinearForm Model)> known, Tensor? noise)
    {
        var next = solution.Begin(x);
        if (_asPublished && _variable == SolverVariable.Data && known.Count == 2)
        {
            // The value at the start (node 0) and half the difference over the step.
            var start = known.FindIndex(point => point.Node == 0);
            var (m0, (node, m1)) = (known[start].Model, known[1 - start]);
            var half = solution.Factor(solution.Argument) / (2 * node);
            next.Add(solution.Phi(1) - half, m0);
            next.Add(half, m1);
        }
        else
        {
            solution.Integrate(next, known);
        }

        if (noise is not null) next.Add(solution.Deviation, noise);
        return next.Evaluate();
    }

    private ExponentialStep Solution(NoisePoint at, NoiseLevel to)
    {
        var tau = _tau(at);
        if (!(tau >= 0) || !double.IsFinite(tau))
            throw new InvalidOperationException($"τ is {tau} at log-SNR {at.Level.LogSnr:g6}; a finite number of at least 0 is needed.");
        return new ExponentialStep(at.Level, to, _variable, tau * tau);
    }
}
