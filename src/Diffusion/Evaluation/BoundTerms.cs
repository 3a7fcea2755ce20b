namespace Diffusion.Evaluation;

/// <summary>The parts of a variational bound on −ln p(x₀), each of them for each sample, in nats and float64. The tensors belong to the scope of whoever asked.</summary>
public sealed class BoundTerms
{
    internal BoundTerms(Tensor prior, Tensor diffusion, Tensor reconstruction, Tensor total, IReadOnlyList<NoiseLevel> levels)
    {
        (Prior, Diffusion, Reconstruction, Total) = (prior, diffusion, reconstruction, total);
        Levels = levels;
    }

    /// <summary>L_T: what is left of the data at the noisy end, [batch].</summary>
    public Tensor Prior { get; }

    /// <summary>The terms of the steps, or of the levels that the continuous bound was looked at, [batch, <see cref="Levels"/>]; their sum over the second axis is the diffusion loss.</summary>
    public Tensor Diffusion { get; }

    /// <summary>L₀: −ln p(x₀ | x₁), [batch].</summary>
    public Tensor Reconstruction { get; }

    /// <summary>The bound, [batch].</summary>
    public Tensor Total { get; }

    /// <summary>The level that the denoiser was asked at for each column of <see cref="Diffusion"/>.</summary>
    public IReadOnlyList<NoiseLevel> Levels { get; }
}
