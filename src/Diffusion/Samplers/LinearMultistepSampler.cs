namespace Diffusion.Samplers;

/// <summary>
/// The Adams–Bashforth method of any order on uneven steps for dx̂/dσ̂ = ε̂: x̂' = x̂ + Σ_j c_j·ε̂_{i−j}, c_j = ∫ over the step of the Lagrange polynomial of
/// σ̂_{i−j}, integrated exactly. One evaluation a step; the first steps have lower order. Known as LMS.
/// </summary>
/// <remarks>The step to clean data extrapolates like every other, as published; a level of pure noise (α = 0), where σ̂ is infinite, is left out.</remarks>
public sealed class LinearMultistepSampler : Sampler
{
    private readonly GaussLegendre _quadrature;

    /// <summary>The method of an order.</summary>
    /// <param name="order">How many evaluations a step uses, at least 1; 1 is Euler's method, 4 is common, above 6 is seldom stable.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="order"/> is less than 1.</exception>
    public LinearMultistepSampler(int order = 4)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        Order = order;
        _quadrature = new GaussLegendre((order + 1) / 2);
    }

    /// <summary>The order.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    protected internal override int HistoryLength => Order - 1;

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        var estimate = step.Denoise(x);
        if (from.Alpha == 0 || Order == 1) return estimate.Mix(x, from, to.Alpha, to.Sigma);
        var d = estimate.NoiseAt(x, from);
        step.Keep(d);
        var (nodes, slopes) = (new List<double> { from.NoiseToSignal }, new List<Tensor> { d });
        foreach (var record in step.History)
        {
            if (record.Kept is null) break;
            nodes.Add(record.Level.NoiseToSignal);
            slopes.Add(record.Kept);
        }

        var next = new LinearForm { { to.Alpha / from.Alpha, x } };
        for (var j = 0; j < slopes.Count; j++) next.Add(to.Alpha * _quadrature.Integrate(Lagrange(j), from.NoiseToSignal, to.NoiseToSignal), slopes[j]);
        return next.Evaluate();

        Func<double, double> Lagrange(int j) => sigma =>
        {
            var product = 1.0;
            for (var k = 0; k < nodes.Count; k++)
                if (k != j) product *= (sigma - nodes[k]) / (nodes[j] - nodes[k]);
            return product;
        };
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
