namespace Diffusion.Tests.Laws;

/// <summary>
/// The exact denoiser of <see cref="ExactFlow.Mixture"/>, written for its two components in one dimension: a few operations where the general one has many, since the
/// laws ask it a million times. A test holds the two equal.
/// </summary>
internal sealed class MixtureOracle(NoiseSchedule schedule) : IDenoiser
{
    public NoiseSchedule Schedule => schedule;

    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
        var (v1, v2) = (0.05 * alpha * alpha + sigma * sigma, 0.02 * alpha * alpha + sigma * sigma); // of x in each component
        var (m1, m2) = (-0.8 * alpha, 0.7 * alpha);
        // The logarithm of the ratio of the components' densities is a quadratic in x; the weight is its sigmoid.
        var square = (1 / v2 - 1 / v1) / 2;
        var linear = m1 / v1 - m2 / v2;
        var constant = Math.Log(0.4 / 0.6) + Math.Log(v2 / v1) / 2 - m1 * m1 / (2 * v1) + m2 * m2 / (2 * v2);
        var weight = x.mul(square).add_(linear).mul_(x).add_(constant).sigmoid_();
        var (gain1, gain2) = (0.05 * alpha / v1, 0.02 * alpha / v2);
        var (shift1, shift2) = (-0.8 - gain1 * m1, 0.7 - gain2 * m2);
        return new Estimate(x.mul(gain1 - gain2).add_(shift1 - shift2).mul_(weight).add_(x, alpha: gain2).add_(shift2).MoveToOuterDisposeScope());
    }
}
