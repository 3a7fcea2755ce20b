namespace Diffusion.Samplers;

/// <summary>
/// ER-SDE solvers of orders 1 to 3 for the extended reverse-time equations, which a noise function φ(σ̂) tells apart. In x̂ = x/α and σ̂ = σ/α, with r = φ(σ̂')/φ(σ̂):
/// x̂' = r·x̂ + (1 − r)·x̂₀ + c₁·dx̂₀/dσ̂ + c₂·d²x̂₀/dσ̂² + √(σ̂'² − r²σ̂²)·z, c₁ = σ̂' − σ̂ + φ(σ̂')∫dτ/φ, c₂ = ½(σ̂' − σ̂)² + φ(σ̂')∫(τ − σ̂)dτ/φ over
/// [σ̂', σ̂]. One evaluation a step; the first steps have lower order. (Cui et al. 2023, algorithms 1 to 3)
/// </summary>
/// <remarks>φ(x) = x is the flow and φ(x) = x² the reverse-time equation of Anderson. Every state must hold data (α > 0).</remarks>
public sealed class ErSdeSampler : Sampler
{
    private static readonly GaussLegendre _quadrature = new(16);

    private readonly Func<double, double> _noise;
    private readonly ThirdOrder _third;
    private readonly double _noiseScale;

    /// <summary>The solver of an order.</summary>
    /// <param name="order">1, 2 or 3.</param>
    /// <param name="noise">φ, positive; falling to σ̂' = 0 no slower than x. <see cref="PublishedNoise"/> if null.</param>
    /// <param name="third">
    /// The derivatives at order 3: Corrected are those of the parabola through three estimates; as published the first one is that of a line, and the method in truth of
    /// second order.
    /// </param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not 1, 2 or 3, or the scale is negative or not finite.</exception>
    public ErSdeSampler(int order = 3, Func<double, double>? noise = null, ThirdOrder third = ThirdOrder.Corrected, double noiseScale = 1)
    {
        if (order is < 1 or > 3) throw new ArgumentOutOfRangeException(nameof(order), order, "ER-SDE has the orders 1, 2 and 3.");
        (_, _noiseScale) = AncestralSplit.Check(0, noiseScale);
        (Order, _noise, _third) = (order, noise ?? PublishedNoise, third);
    }

    /// <summary>The order.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => Order - 1;

    /// <summary>φ(x) = x·(exp(x^0.3) + 10), the paper's choice.</summary>
    public static double PublishedNoise(double x) => x * (Math.Exp(Math.Pow(x, 0.3)) + 10);

    /// <summary>φ(x) = x: no noise, the flow.</summary>
    public static double Flow(double x) => x;

    /// <summary>φ(x) = x²: the reverse-time equation.</summary>
    public static double ReverseEquation(double x) => x * x;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The step starts at pure noise (α = 0), or leads up.</exception>
    /// <exception cref="InvalidOperationException">φ is not positive and finite, or asks for less noise than none: φ(σ̂')/φ(σ̂) exceeds σ̂'/σ̂.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (to, from) = (step.To.NoiseToSignal, step.From.NoiseToSignal);
        if (!double.IsFinite(from) || to > from)
            throw new ArgumentException($"ER-SDE walks down from a finite σ/α; this step runs from {from:g6} to {to:g6}. Start the grid below pure noise.", nameof(step));
        var scale = step.To.Alpha;
        var r = Noise(to) / Noise(from);
        var x0 = step.Denoise(x).Data;
        var next = new LinearForm { { scale * r / step.From.Alpha, x }, { scale * (1 - r), x0 } };
        AddDerivatives(next, scale, from, to, x0, step.History);
        var ratio = r * from / to; // r²σ² ≤ σ'²
        if (ratio > 1 + 1e-9) throw new InvalidOperationException($"φ({to:g6})/φ({from:g6}) = {r:g6} exceeds the ratio of its arguments: no noise makes up for it.");
        var deviation = to * Math.Sqrt(Math.Max(0, 1 - ratio * ratio));
        if (ratio < 1 - 1e-12) next.Add(scale * deviation * _noiseScale, step.NoiseBetween(x, step.From, step.To));
        return next.Evaluate();
    }

    private void AddDerivatives(LinearForm next, double scale, double from, double to, Tensor x0, IReadOnlyList<StepRecord> history)
    {
        var (s1, s2) = (history.Count > 0 ? history[0].Level.NoiseToSignal : double.NaN, history.Count > 1 ? history[1].Level.NoiseToSignal : double.NaN);
        if (!double.IsFinite(s1) || s1 == from || to == from) return;
        var width = from - to;
        var c1 = -width + Noise(to) * Integral(0, from, to);
        var slope = Slope(from, x0, s1, history[0].Estimate.Data);
        next.Add(scale * c1, slope);
        if (!double.IsFinite(s2) || s2 == s1 || s2 == from) return;
        var c2 = width * width / 2 + Noise(to) * Integral(1, from, to);
        var curvature = new LinearForm { { 2 / (from - s2), slope }, { -2 / (from - s2), Slope(s1, history[0].Estimate.Data, s2, history[1].Estimate.Data) } };
        next.Add(scale * (c2 + (_third == ThirdOrder.Corrected ? c1 * (from - s1) / 2 : 0)), curvature);
    }

    private static LinearForm Slope(double a, Tensor atA, double b, Tensor atB) => new() { { 1 / (a - b), atA }, { -1 / (a - b), atB } };

    // ∫ (τ − from)^power dτ/φ(τ) over [to, from], in ln τ, where φ is smooth over decades.
    private double Integral(int power, double from, double to) => _quadrature.Integrate(u =>
    {
        var tau = Math.Exp(u);
        return (power == 0 ? 1 : tau - from) * tau / Noise(tau);
    }, Math.Log(to), Math.Log(from));

    private double Noise(double sigma)
    {
        var value = _noise(sigma);
        return value > 0 && double.IsFinite(value) ? value : throw new InvalidOperationException($"φ({sigma:g6}) is {value}; a positive number is needed.");
    }
}
