using Diffusion.Operators;

namespace Diffusion.Samplers;

/// <summary>
/// DDNM for noisy measurements (DDNM+): an ancestral step whose estimate is moved towards the measurement in each singular direction only so far as the step's own noise can cover the measurement's, and whose noise is
/// less by what came with it. (Wang et al. 2022, eq. 17–19 and appendix I)
/// </summary>
/// <remarks>Without noise it is the ancestral sampler with <c>NullSpaceDenoiser</c>. The operator must know its singular values.</remarks>
public sealed class DdnmSampler : Sampler
{
    private readonly LinearOperator _operator;
    private readonly Tensor _measurement;
    private readonly double _noise;

    /// <summary>A sampler of a measurement's posterior.</summary>
    /// <param name="operator">A; borrowed.</param>
    /// <param name="measurement">y of each sample, or of one that stands for all; borrowed.</param>
    /// <param name="noise">σ_y, the standard deviation of the measurement's noise; at least 0.</param>
    /// <exception cref="ArgumentException">The operator does not know its singular values.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The noise is negative or not finite.</exception>
    public DdnmSampler(LinearOperator @operator, Tensor measurement, double noise = 0)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        ArgumentNullException.ThrowIfNull(measurement);
        if (!@operator.HasSpectrum) throw new ArgumentException($"DDNM needs the singular values, which {@operator.GetType().Name} does not know; use DPS or ΠGDM.", nameof(@operator));
        if (!(noise >= 0) || !double.IsFinite(noise)) throw new ArgumentOutOfRangeException(nameof(noise), noise, "The noise of the measurement is finite and at least 0.");
        (_operator, _measurement, _noise) = (@operator, measurement, noise);
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        var raw = step.Denoise(x);
        var transition = new Transition(step.From, step.To);
        var (ofData, deviation) = (transition.PosteriorData, Math.Sqrt(transition.PosteriorVariance));
        // λ: how much of A⁺(y − A·x̂₀) is taken; its noise σ_y/s comes along.
        double Taken(double s) => s == 0 ? 0 : _noise == 0 ? 1 : Math.Min(1, deviation * s / (ofData * _noise));
        double Left(double s) => s == 0 ? deviation : Math.Sqrt(Math.Max(0, deviation * deviation - Math.Pow(ofData * Taken(s) * _noise / s, 2)));
        var data = _noise == 0
            ? _operator.Complete(raw.Data, _measurement)
            : raw.Data.add(_operator.Filter(_operator.PseudoInverse(_operator.Residual(raw.Data, _measurement)), Taken));
        step.Report(new Estimate(data));
        var mean = Estimate.Combine(ofData, data, transition.PosteriorState, x);
        if (deviation == 0) return mean;
        var noise = step.NoiseBetween(x, step.From, step.To);
        return _noise == 0 ? mean.add_(noise, alpha: deviation) : mean.add_(_operator.Filter(noise, Left));
    }

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
