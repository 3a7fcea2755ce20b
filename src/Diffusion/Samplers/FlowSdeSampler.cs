namespace Diffusion.Samplers;

/// <summary>
/// The Euler–Maruyama method for the equations that share the marginals of a flow: x_s = x − [u + ½(h²/σ)·ε̂]·Δ + h·√Δ·z, Δ = t − s, with any diffusion h. Weak order 1. Unlike
/// <see cref="EulerMaruyamaSampler"/>, whose h is tied to the forward process, it starts from pure noise wherever h² is finite there. (Ma et al. 2024, eq. 9)
/// </summary>
/// <remarks>Only for Gaussian noise. A step towards noise is possible only where h = 0.</remarks>
public sealed class FlowSdeSampler : Sampler
{
    /// <summary>The method for a diffusion.</summary>
    /// <param name="diffusion">h² at each level; <see cref="FlowDiffusion.Sigma"/> if null.</param>
    /// <param name="endsAtMean">
    /// Whether the step to clean data is one like the others without its noise, as published with a last step of 0.04; otherwise it is the estimate of the data.
    /// </param>
    public FlowSdeSampler(FlowDiffusion? diffusion = null, bool endsAtMean = false) => (Diffusion, EndsAtMean) = (diffusion ?? FlowDiffusion.Sigma(), endsAtMean);

    /// <summary>h².</summary>
    public FlowDiffusion Diffusion { get; }

    /// <summary>Whether the step to clean data is the mean of one like the others.</summary>
    public bool EndsAtMean { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A level has no time, no finite slope or no finite h², or the step runs towards noise.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x) => Move(step, x, noisy: true);

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => EndsAtMean ? Move(step, x, noisy: false) : base.Finish(step, x);

    private Tensor Move(SamplerStep step, Tensor x, bool noisy)
    {
        ArgumentNullException.ThrowIfNull(step);
        var from = step.From;
        var length = from.Time - step.To.Time;
        var squared = Diffusion.SquaredAt(from);
        if (!double.IsFinite(length) || !double.IsFinite(from.AlphaDot) || !double.IsFinite(from.SigmaDot) || !double.IsFinite(squared) || squared < 0)
            throw new ArgumentException(
                $"The equation has no coefficients at t = {from.Time:g6}: dα/dt = {from.AlphaDot:g6}, dσ/dt = {from.SigmaDot:g6}, h² = {squared:g6}. All must be finite, h² not negative; "
                + "start below t = 1, or choose a diffusion that is finite there.");
        if (!(length >= 0) && squared > 0)
            throw new ArgumentException($"A step with noise runs towards the data, but this one goes from t = {from.Time:g6} to t = {step.To.Time:g6}. With h = 0 it may run either way.");
        var estimate = step.Denoise(x);
        var next = new LinearForm
        {
            { 1, x },
            { -length * from.AlphaDot, estimate.Data },
            { -length * (from.SigmaDot + squared / (2 * from.Sigma)), LinearForm.Noise(estimate, x, from) },
        };
        if (noisy && squared > 0) next.Add(Math.Sqrt(squared * length), step.NoiseBetween(x, from, step.To));
        return next.Evaluate();
    }
}
