namespace Diffusion.Samplers;

/// <summary>
/// The exact solution of a step of x̂' = x/α in λ = ln(α/σ), but for the integral over the estimate: with h = λ' − λ and η the amount of noise,
/// <para>data: x' = (σ'/σ)·e^{−ηh}·x + α'·H·∫₀¹ e^{−H(1−s)}·x̂₀(s) ds + σ'·√(1 − e^{−2ηh})·z, H = (1 + η)h;</para>
/// <para>noise: x' = (α'/α)·x − (1 + η)σ'·h·∫₀¹ e^{h(1−s)}·ε̂(s) ds + √η·σ'·√(e^{2h} − 1)·z.</para>
/// The flow for η = 0, the reverse-time equation for η = 1. (Lu et al. 2022b, proposition 4.1 and section 5; Xue et al. 2023, eq. 13 with τ² = η)
/// </summary>
internal readonly struct ExponentialStep
{
    private readonly NoiseLevel _from;
    private readonly SolverVariable _variable;
    private readonly double _state;
    private readonly double _model;

    /// <summary>A step between two levels.</summary>
    /// <exception cref="ArgumentException">A step of the noise starts at pure noise, or one with noise leads up.</exception>
    public ExponentialStep(NoiseLevel from, NoiseLevel to, SolverVariable variable, double eta)
    {
        _from = from;
        _variable = variable;
        Length = from.LogSnr == to.LogSnr ? 0 : NoiseAxis.HalfLogSnrStep(from, to);
        if (variable == SolverVariable.Noise && from.Alpha == 0)
            throw new ArgumentException("A solver in the noise divides by α, which is 0 on pure noise. Start the grid a little below, or use SolverVariable.Data.", nameof(from));
        if (eta > 0 && Length < 0)
            throw new ArgumentException($"With noise the log-SNR must rise; this step runs from {from.LogSnr:g6} to {to.LogSnr:g6}. Use η = 0 to walk upward.", nameof(to));
        var damping = eta == 0 ? 0 : eta * Length;
        if (variable == SolverVariable.Data)
        {
            (Argument, _state, _model) = (-(1 + eta) * Length, to.Sigma / from.Sigma * Math.Exp(-damping), -to.Alpha);
            Deviation = to.Sigma * Math.Sqrt(-Exponentials.Expm1(-2 * damping));
        }
        else
        {
            (Argument, _state, _model) = (Length, to.Alpha / from.Alpha, -(1 + eta) * to.Sigma);
            Deviation = eta == 0 ? 0 : Math.Sqrt(eta) * to.Sigma * Math.Sqrt(Exponentials.Expm1(2 * Length));
        }
    }

    /// <summary>h.</summary>
    public double Length { get; }

    /// <summary>−H or h: what stands in the exponent of the integral.</summary>
    public double Argument { get; }

    /// <summary>Standard deviation of the step's noise.</summary>
    public double Deviation { get; }

    /// <summary>The factor of an estimate that is weighed with z·∫₀¹ e^{z(1−s)}·ℓ(s) ds, z the argument.</summary>
    public double Factor(double integral) => _model * integral;

    /// <summary>The factor of the (k − 1)-th derivative of the estimate in s.</summary>
    public double Phi(int k) => _model * Exponentials.ScaledPhi(k, Argument);

    /// <summary>The new state without the integral and the noise.</summary>
    public LinearForm Begin(Tensor x) => new() { { _state, x } };

    /// <summary>The estimate in the solver's variable. The noise is not formed: it stays a sum of the state, itself perhaps a sum, and the estimate of the data.</summary>
    public LinearForm Model(LinearForm x, NoiseLevel level, Estimate estimate) =>
        _variable == SolverVariable.Data ? new LinearForm { { 1, estimate.Data } } : LinearForm.Noise(estimate, x, level);

    /// <summary>The estimate of a step at its start.</summary>
    /// <param name="step">The step.</param>
    /// <param name="x">Its state.</param>
    /// <param name="forLater">Whether later steps need it too, so that the noise is formed once and kept.</param>
    public LinearForm Ask(SamplerStep step, Tensor x, bool forLater)
    {
        var estimate = step.Denoise(x);
        if (_variable == SolverVariable.Data || !forLater) return Model(new LinearForm { { 1, x } }, step.From, estimate);
        var noise = estimate.NoiseAt(x, step.From);
        step.Keep(noise);
        return new LinearForm { { 1, noise } };
    }

    /// <summary>The estimate of an earlier step.</summary>
    public LinearForm Model(StepRecord record) => _variable == SolverVariable.Noise && record.Kept is { } kept
        ? new LinearForm { { 1, kept } }
        : Model(new LinearForm { { 1, record.State } }, record.Level, record.Estimate);

    /// <summary>
    /// The estimates of a multistep formula and where they stand, in units of the step: the one at its start at 0, earlier ones below. Those infinitely
    /// far away (before a step from pure noise), or where one stands already, are left out.
    /// </summary>
    /// <param name="start">The estimate at the start.</param>
    /// <param name="earlier">What the steps before recorded, newest first.</param>
    /// <param name="count">How many to take at most.</param>
    public List<(double Node, LinearForm Model)> Known(LinearForm start, IEnumerable<StepRecord> earlier, int count)
    {
        var known = new List<(double Node, LinearForm Model)>(count + 1) { (0, start) };
        if (Length == 0 || !double.IsFinite(Length)) return known;
        foreach (var record in earlier)
        {
            if (known.Count >= count) break;
            var node = NoiseAxis.HalfLogSnrStep(_from, record.Level) / Length;
            if (double.IsFinite(node) && !known.Exists(other => other.Node == node)) known.Add((node, Model(record)));
        }

        return known;
    }

    /// <summary>Adds the integral over the polynomial in λ through given estimates, exactly: an Adams method where they are those of earlier steps.</summary>
    public void Integrate(LinearForm next, IReadOnlyList<(double Node, LinearForm Model)> known)
    {
        var moments = new double[known.Count]; // z·∫ e^{z(1−s)} s^k ds = k!·zφ_{k+1}(z)
        var factorial = 1.0;
        for (var k = 0; k < moments.Length; k++)
        {
            moments[k] = factorial * Exponentials.ScaledPhi(k + 1, Argument);
            factorial *= k + 1;
        }

        for (var j = 0; j < known.Count; j++)
        {
            var (lagrange, degree) = (new double[known.Count], 0); // coefficients of Π (s − s_m)/(s_j − s_m)
            lagrange[0] = 1;
            for (var m = 0; m < known.Count; m++)
            {
                if (m == j) continue;
                var (node, distance) = (known[m].Node, known[j].Node - known[m].Node);
                degree++;
                for (var k = degree; k >= 0; k--) lagrange[k] = ((k > 0 ? lagrange[k - 1] : 0) - node * lagrange[k]) / distance;
            }

            var integral = 0.0;
            for (var k = 0; k < moments.Length; k++) integral += lagrange[k] * moments[k];
            next.Add(Factor(integral), known[j].Model);
        }
    }
}
