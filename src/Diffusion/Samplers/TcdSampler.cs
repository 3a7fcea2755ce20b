namespace Diffusion.Samplers;

/// <summary>
/// Trajectory consistency distillation, strategic stochastic sampling: with the model's own estimate to a level of time (1 − γ)·t', then fresh noise up to t'. γ = 0 is <see cref="DdimSampler"/>,
/// γ = 1 <see cref="ConsistencySampler"/>. (Zheng et al. 2024, algorithm 4)
/// </summary>
/// <remarks>It depends on the schedule's clock, and needs levels with a time.</remarks>
public sealed class TcdSampler : Sampler
{
    /// <summary>The sampler with an amount of noise.</summary>
    /// <param name="gamma">γ in [0, 1]; the published default is 0.3.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gamma"/> lies outside [0, 1].</exception>
    public TcdSampler(double gamma = 0.3)
    {
        if (!(gamma >= 0 && gamma <= 1)) throw new ArgumentOutOfRangeException(nameof(gamma), gamma, "γ must lie in [0, 1].");
        Gamma = gamma;
    }

    /// <summary>γ.</summary>
    public double Gamma { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The step ends at a level without a time.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (Gamma == 0) return Through(step, x, step.To);
        if (double.IsNaN(step.To.Time)) throw new ArgumentException("Trajectory consistency sampling needs levels with a time; this step ends at one that the schedule does not name.", nameof(step));
        return Through(step, x, step.Grid.Schedule.At((1 - Gamma) * step.To.Time));
    }

    /// <summary>A step by way of a cleaner level than its end.</summary>
    internal static Tensor Through(SamplerStep step, Tensor x, NoiseLevel middle)
    {
        var jump = new Transition(step.To, middle);
        var estimate = step.Denoise(x);
        var deviation = Math.Sqrt(jump.ForwardVariance);
        var next = new LinearForm { { jump.AlphaRatio * middle.Alpha, estimate.Data } };
        if (middle.Sigma > 0) next.Add(jump.AlphaRatio * middle.Sigma, LinearForm.Noise(estimate, x, step.From));
        if (deviation > 0) next.Add(deviation, step.NoiseBetween(x, step.From, step.To));
        return next.Evaluate();
    }
}
