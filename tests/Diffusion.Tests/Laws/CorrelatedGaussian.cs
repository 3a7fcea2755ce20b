namespace Diffusion.Tests.Laws;

/// <summary>The exact denoiser of N(0, C) over the flattened numbers of a sample: x̂₀ = αC(α²C + σ²)⁻¹x. Affine, so that everything about it is known.</summary>
internal sealed class CorrelatedGaussian(NoiseSchedule schedule, double[,] covariance) : IDenoiser
{
    public NoiseSchedule Schedule => schedule;

    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
        var c = tensor(covariance, float64);
        var noisy = c * (alpha * alpha) + eye(c.shape[0], dtype: float64) * (sigma * sigma);
        var gain = linalg.solve(noisy, c) * alpha; // symmetric: both commute
        return new Estimate(nn.functional.linear(x.flatten(1), gain.to(x.dtype)).view(x.shape)).MoveToOuterDisposeScope();
    }
}
