namespace Diffusion.Samplers;

/// <summary>
/// The exact solution of a step of x̂' = x/α in λ = ln(α/σ), but for the integral over the estimate: with h = λ' − λ and η the amount of noise,
/// <para>data: x' = (σ'/σ)·e^{−ηh}·x + α'·H·∫₀¹ e^{−H(1−s)}·x̂₀(s) ds + σ'·√(1 − e^{−2ηh})·z, H = (1 + η)h;</para>
/// <para>noise: x' = (α'/α)·x − (1 + η)σ'·h·∫₀¹ e^{h(1−s)}·ε̂(s) ds + √η·σ'·√(e^{2h} − 1)·z.</para>
/// The flow for η = 0, the reverse-time equation for η = 1. (Lu et al. 2022b, proposition 4.1 and section 5; Xue et al. 2023, eq. 13 with τ² = η)
/// </summary>
internal readonly struct ExponentialStep
{
    private readonly SolverVariable _variable;
    private readonly double _state;
    private readonly double _model;

    /// <summary>A step between two levels.</summary>
    /// <exception cref="ArgumentException">A step of the noise starts at pure noise, or one with noise leads up.</exception>
    public ExponentialStep(NoiseLevel from, NoiseLevel to, SolverVariable variable, double eta)
    {
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

    /// <summary>The estimate in the solver's variable, kept for later steps where it has to be formed.</summary>
    public Tensor Model(SamplerStep step, Tensor x, Estimate estimate)
    {
        if (_variable == SolverVariable.Data) return estimate.Data;
        var noise = estimate.NoiseAt(x, step.From);
        step.Keep(noise);
        return noise;
    }

    /// <summary>
    /// The estimates of a multistep formula and where in the step they stand, in units of its length: the newest at 0, earlier ones below. Those
    /// infinitely far away (before a step from pure noise), or at a place that is taken, are left out.
    /// </summary>
    public List<(double Node, Tensor Model)> Known(SamplerStep step, Tensor model, int count)
    {
        var known = new List<(double Node, Tensor Model)>(count) { (0, model) };
        if (Length == 0 || !double.IsFinite(Length)) return known;
        foreach (var record in step.History)
        {
            if (known.Count == count) break;
            var node = NoiseAxis.HalfLogSnrStep(step.From, record.Level) / Length;
            if (double.IsFinite(node) && known.TrueForAll(other => other.Node != node)) known.Add((node, OfRecord(record)));
        }

        return known;
    }

    private Tensor OfRecord(StepRecord record) =>
        _variable == SolverVariable.Data ? record.Estimate.Data : record.Kept ?? record.Estimate.NoiseAt(record.State, record.Level);
}
