namespace Diffusion.Evaluation;

/// <summary>What the two variational bounds share: the checks of a batch, sums over a sample, and the decoder at a noisy end.</summary>
internal static class BoundEnds
{
    /// <summary>Refuses what is not a floating batch.</summary>
    public static void CheckBatch(Tensor x0)
    {
        ArgumentNullException.ThrowIfNull(x0);
        if (x0.dim() < 1 || x0.numel() == 0 || x0.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"x0 is {x0.dtype} of shape [{string.Join(", ", x0.shape)}]; Float32 or Float64 [batch, …] with at least one number is needed.", nameof(x0));
    }

    /// <summary>αx₀ + σε.</summary>
    public static Tensor Diffuse(Tensor x0, NoiseLevel level, NoiseSource noise) => x0.mul(level.Alpha).add_(noise.NextLike(x0), alpha: level.Sigma);

    /// <summary>The sum over the numbers of a sample, [batch].</summary>
    public static Tensor Sum(Tensor values) => values.reshape(values.shape[0], -1).sum(1);

    /// <summary>
    /// E[−ln p(x₀ | z)] of the decoder N(z/α, σ²/α²) at the least noise of a bound, [batch]: its mean where the decoder is a density, one draw where it is over levels.
    /// (Kingma et al. 2021, section 3.3)
    /// </summary>
    public static Tensor Decode(Tensor x0, NoiseLevel level, DiscretizedGaussian? decoder, NoiseSource noise)
    {
        var logVariance = -level.LogSnr;
        if (decoder is null) return full(x0.shape[0], x0.numel() / x0.shape[0] * 0.5 * (Math.Log(2 * Math.PI) + logVariance + 1), float64, x0.device);
        var mean = Diffuse(x0, level, noise).div_(level.Alpha);
        return Sum(decoder.LogProbability(x0, mean, tensor(logVariance, float64, x0.device))).neg();
    }
}
