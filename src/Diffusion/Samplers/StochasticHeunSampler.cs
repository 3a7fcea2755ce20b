namespace Diffusion.Samplers;

/// <summary>
/// Heun's method for the equations that run the process backwards: an Euler–Maruyama step, and then the mean of the drifts at both ends with the same
/// noise. Two evaluations a step; weak order 2 and strong order 1 for the reverse equation, whose noise does not depend on the state; order 2 for the
/// flow. (Kloeden and Platen 1992, section 15.1)
/// </summary>
/// <remarks>Only for Gaussian noise. Throws where α = 0: start below t = 1. The step to clean data is the estimate of the data.</remarks>
public sealed class StochasticHeunSampler : Sampler
{
    /// <summary>The method for one of the equations.</summary>
    /// <param name="eta">η, at least 0: 1 is the reverse equation, 0 the flow (Heun's method in time).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eta"/> is negative or not finite.</exception>
    public StochasticHeunSampler(double eta = 1) => Eta = ReverseProcess.CheckEta(eta);

    /// <summary>η.</summary>
    public double Eta { get; }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to, end) = (step.From, step.To, step.End);
        ReverseProcess.Check(from, nameof(StochasticHeunSampler));
        ReverseProcess.Check(to, nameof(StochasticHeunSampler));
        var length = from.Time - to.Time;
        if (!(length >= 0) && Eta > 0)
            throw new ArgumentException($"A step of the reverse equation runs towards the data, but this one goes from t = {from.Time:g6} to t = {to.Time:g6}. With η = 0 it may run either way.");
        var first = ReverseProcess.Drift(step.Denoise(x), x, from, Eta);
        var state = new LinearForm { { 1, x }, { -length, first } };
        var noise = Eta > 0 ? step.NoiseBetween(x, from, to) : null;
        // The trapezoidal rule for ∫g²: the variance of the increment to second order.
        var deviation = Eta * Math.Sqrt((from.DiffusionSquared + to.DiffusionSquared) / 2 * length);
        if (noise is not null) state.Add(deviation, noise);
        var second = ReverseProcess.Drift(step.Denoise(state.Evaluate(), end), state, to, Eta);
        var next = new LinearForm { { 1, x }, { -length / 2, first }, { -length / 2, second } };
        if (noise is not null) next.Add(deviation, noise);
        return next.Evaluate();
    }
}
