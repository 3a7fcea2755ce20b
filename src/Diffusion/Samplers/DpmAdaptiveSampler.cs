namespace Diffusion.Samplers;

/// <summary>
/// DPM-Solver-12 and -23: single-step solvers of two orders share their evaluations, their difference is the error, and the steps in log-SNR are as long as the
/// tolerance allows. Of the grid only the two ends are used. (Lu et al. 2022, appendix C; controller and ancestral noise as in k-diffusion)
/// </summary>
/// <remarks>
/// Each trial step waits for the device once. The error is that of the whole batch, so the steps of a sample depend on the others. A refused trial keeps its first
/// estimate for the next. Where the grid ends at clean data, one more evaluation at its last noisy level gives the answer.
/// </remarks>
public sealed class DpmAdaptiveSampler : Sampler
{
    private readonly AdaptiveSettings _settings;
    private readonly double _eta;
    private readonly double _noiseScale;

    /// <summary>The sampler of an order.</summary>
    /// <param name="order">2 (with the error of order 1) or 3 (with that of order 2).</param>
    /// <param name="settings">Tolerances and step control; the published ones if null.</param>
    /// <param name="eta">η, at least 0: 0 is deterministic, 1 ancestral.</param>
    /// <param name="noiseScale">Standard deviation of the random numbers; 1 is the exact one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is neither 2 nor 3, or a number is out of its range.</exception>
    public DpmAdaptiveSampler(int order = 3, AdaptiveSettings? settings = null, double eta = 0, double noiseScale = 1)
    {
        if (order is not (2 or 3)) throw new ArgumentOutOfRangeException(nameof(order), order, "The adaptive solver has the orders 2 and 3.");
        (_eta, _noiseScale) = AncestralSplit.Check(eta, noiseScale);
        (Order, _settings) = (order, settings ?? new AdaptiveSettings());
    }

    /// <summary>The order of the steps that are taken.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The grid starts or ends at pure noise, where log-SNR is infinite.</exception>
    /// <exception cref="InvalidOperationException">The error is not a number, or no step meets the tolerance.</exception>
    protected override Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Total = null;
        var (at, end) = LogSnrEnds.Of(run.Grid);
        var control = _settings.Controller(_eta > 0 ? 1.5 : Order);
        while (NoiseAxis.HalfLogSnrStep(at.Level, end.Level) is var left && left > 1e-5)
        {
            var next = control.Length >= left ? end : run.Grid.Schedule.AtLogSnr(at.Level.LogSnr + 2 * control.Length);
            var (accepted, before) = (false, x);
            x = run.Advance(new GridStep(at, next.Level) { ToLabel = next.Label }, x, (step, state) => Try(step, state, error => accepted = control.Accept(error)));
            if (accepted) at = next;
            else if (!ReferenceEquals(x, before)) Forget(run.Carry); // a callback changed the state, so the estimate there is worthless
        }

        return run.Grid.End.IsClean ? run.Step(this, new GridStep(end, run.Grid.End), x) : x;
    }

    /// <summary>One step of the higher order, whatever its error.</summary>
    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Try(step, x, static _ => true);
    }

    private Tensor Try(SamplerStep step, Tensor x, Func<double, bool> accept)
    {
        var (from, to, carry) = (step.From, step.To, step.Carry);
        var (down, deviation) = AncestralSplit.Of(from, to, _eta).NoCleanerThan(to, LogSnrEnds.Of(step.Grid).End.Level);
        var first = carry["data"] is { } data ? step.Reuse(x, new Estimate(data.alias(), carry["noise"]?.alias())) : step.Denoise(x);
        var e0 = LinearForm.Noise(first, x, from);
        var r = Order == 2 ? 0.5 : 1.0 / 3;
        var e1 = DpmSolverStep.Inner(step, x, from, down, r, e0);
        var second = DpmSolverStep.Second(x, from, down, r, e0, e1);
        var (low, high) = Order == 2 ? (NoiseAxis.Move(x, from, down, e0), second) : (second, DpmSolverStep.Third(step, x, from, down, e0, e1));
        var (lower, higher) = (low.Evaluate(), high.Evaluate());
        if (!accept(Error(lower, higher, carry["previous"] ?? x, from.Alpha, down.Alpha)))
        {
            (carry["data"], carry["noise"]) = (first.Data, first.Noise);
            return x;
        }

        Forget(carry);
        carry["previous"] = lower;
        return deviation > 0 ? higher.add_(step.NoiseBetween(x, from, to), alpha: deviation * _noiseScale) : higher;
    }

    private static void Forget(StepCarry carry) => (carry["data"], carry["noise"]) = (null, null);

    // The root of the mean square of (low − high)/δ, δ = max(absolute, relative·max(|low|, |previous|)).
    // Measured in x̂ = x/α, in which all schedules are one, with the factor α put into the tolerances.
    private double Error(Tensor low, Tensor high, Tensor previous, double previousAlpha, double alpha)
    {
        var scaled = previousAlpha == alpha ? previous.abs() : previous.abs().mul_(alpha / previousAlpha);
        var tolerance = low.abs().maximum(scaled).mul_(_settings.Relative).clamp_min_(_settings.Absolute * alpha);
        return Math.Sqrt(low.sub(high).div_(tolerance).pow_(2).mean().to(float64).item<double>());
    }
}
