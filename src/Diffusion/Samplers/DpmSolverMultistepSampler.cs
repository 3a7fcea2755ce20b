namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver and DPM-Solver++ multistep of orders 1 to 3, as a flow or with noise. With the step z of <c>ExponentialStep</c>, r₀ = h₋₁/h, r₁ = h₋₂/h and the
/// estimates m (of the data for ++, of the noise else): D₁ = (m − m₋₁)/r₀ at order 2; a₀ = (m − m₋₁)/r₀, a₁ = (m₋₁ − m₋₂)/r₁, D₁ = a₀ + (a₀ − a₁)r₀/(r₀ + r₁),
/// D₂ = (a₀ − a₁)/(r₀ + r₁) at order 3; the integral over m is φ₁(z)·m + φ₂(z)·D₁ + 2φ₃(z)·D₂. One evaluation a step; the first steps have lower order.
/// (Lu et al. 2022a, 2022b, algorithm 2)
/// </summary>
/// <remarks>Of order 1 and without noise it is <see cref="DdimSampler"/>. Without noise it also runs upward, which is inversion.</remarks>
public sealed class DpmSolverMultistepSampler : Sampler
{
    private readonly SolverVariable _variable;
    private readonly double _eta;
    private readonly SecondOrder _second;
    private readonly ThirdOrder _third;
    private readonly MultistepEnding _ending;
    private readonly double _noiseScale;

    /// <summary>The solver of an order.</summary>
    /// <param name="order">1, 2 or 3.</param>
    /// <param name="variable">The data for DPM-Solver++, the noise for DPM-Solver.</param>
    /// <param name="eta">η, at least 0: 0 follows the flow, 1 the reverse-time equation.</param>
    /// <param name="second">The weight of the first difference at order 2; order 3 always uses the exact one.</param>
    /// <param name="third">The weight of the second difference at order 3.</param>
    /// <param name="ending">How the order falls at the end of a run.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not 1, 2 or 3, or a number is negative or not finite.</exception>
    public DpmSolverMultistepSampler(int order = 2, SolverVariable variable = SolverVariable.Data, double eta = 0, SecondOrder second = SecondOrder.Midpoint,
        ThirdOrder third = ThirdOrder.Corrected, MultistepEnding ending = default, double noiseScale = 1)
    {
        if (order is < 1 or > 3) throw new ArgumentOutOfRangeException(nameof(order), order, "The multistep DPM-Solver has the orders 1, 2 and 3.");
        (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);
        (Order, _variable, _second, _third, _ending) = (order, variable, second, third, ending);
    }

    /// <summary>The order.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => Order - 1;

    /// <summary>DPM++ 2M.</summary>
    public static DpmSolverMultistepSampler PlusPlus2M() => new();

    /// <summary>DPM++ 2M SDE.</summary>
    /// <inheritdoc cref="DpmSolverMultistepSampler(int, SolverVariable, double, SecondOrder, ThirdOrder, MultistepEnding, double)" path="/param|/exception"/>
    public static DpmSolverMultistepSampler PlusPlus2MSde(double eta = 1, double noiseScale = 1, SecondOrder second = SecondOrder.Midpoint) =>
        new(2, eta: eta, second: second, noiseScale: noiseScale);

    /// <summary>DPM++ 3M.</summary>
    /// <inheritdoc cref="DpmSolverMultistepSampler(int, SolverVariable, double, SecondOrder, ThirdOrder, MultistepEnding, double)" path="/param|/exception"/>
    public static DpmSolverMultistepSampler PlusPlus3M(ThirdOrder third = ThirdOrder.Corrected) => PlusPlus3MSde(0, third: third);

    /// <summary>DPM++ 3M SDE.</summary>
    /// <inheritdoc cref="DpmSolverMultistepSampler(int, SolverVariable, double, SecondOrder, ThirdOrder, MultistepEnding, double)" path="/param|/exception"/>
    public static DpmSolverMultistepSampler PlusPlus3MSde(double eta = 1, double noiseScale = 1, ThirdOrder third = ThirdOrder.Corrected) =>
        new(3, eta: eta, second: SecondOrder.Heun, third: third, noiseScale: noiseScale);

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var solution = new ExponentialStep(step.From, step.To, _variable, _eta);
        var known = solution.Known(solution.Ask(step, x, Order > 1), step.History, _ending.Limit(Order, step));
        var next = solution.Begin(x);
        next.Add(solution.Phi(1), known[0].Model);
        if (known.Count == 2) next.Add(_second == SecondOrder.Midpoint ? solution.Phi(1) / 2 : solution.Phi(2), Difference(known, 0));
        if (known.Count == 3)
        {
            var (r0, both) = (-known[1].Node, -known[2].Node); // r₀ and r₀ + r₁
            var second = new LinearForm { { 1 / both, Difference(known, 0) }, { -1 / both, Difference(known, 1) } }; // D₂
            next.Add(solution.Phi(2), new LinearForm { { 1, Difference(known, 0) }, { r0, second } });
            next.Add(SecondDifference(solution), second);
        }

        if (solution.Deviation > 0) next.Add(solution.Deviation * _noiseScale, step.NoiseBetween(x, step.From, step.To));
        return next.Evaluate();
    }

    private double SecondDifference(ExponentialStep solution) => _third switch
    {
        ThirdOrder.Corrected => 2 * solution.Phi(3),
        ThirdOrder.AsInDiffusers when _eta > 0 => solution.Phi(3) + solution.Factor(1),
        _ => solution.Phi(3),
    };

    // (m_j − m_{j+1}) over their distance.
    private static LinearForm Difference(List<(double Node, LinearForm Model)> known, int j)
    {
        var distance = known[j].Node - known[j + 1].Node;
        return new LinearForm { { 1 / distance, known[j].Model }, { -1 / distance, known[j + 1].Model } };
    }
}
