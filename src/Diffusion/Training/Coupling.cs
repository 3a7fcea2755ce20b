namespace Diffusion.Training;

/// <summary>
/// Which x₁ goes with which x₀. Independent noise is diffusion; pairs are rectified flow between two data sets and reflow; a
/// transport plan rearranges either. Immutable and thread-safe.
/// </summary>
public abstract class Coupling
{
    /// <summary>Couples one batch.</summary>
    /// <param name="batch">What the data set holds [batch, …]; borrowed.</param>
    /// <param name="condition">Side information of the batch; null for none. Borrowed.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <returns>Data and noise of one shape, and the condition in their order; fresh tensors in the caller's scope.</returns>
    public abstract CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise);

    /// <summary>x₁ standard normal, drawn for each sample on its own.</summary>
    public static Coupling Independent { get; } = new IndependentNoise();

    /// <summary>
    /// Pairs that the data set holds, stacked on the axis after the batch: [batch, 2, …], first x₀, then x₁. For rectified flow
    /// between two kinds of data, reflow and distillation. (Liu et al. 2022)
    /// </summary>
    public static Coupling Paired { get; } = new StackedPairs();

    private sealed class IndependentNoise : Coupling
    {
        public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise)
        {
            ArgumentNullException.ThrowIfNull(batch);
            ArgumentNullException.ThrowIfNull(noise);
            return new CoupledBatch(batch.alias(), noise.NextLike(batch), condition);
        }
    }

    private sealed class StackedPairs : Coupling
    {
        public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise)
        {
            ArgumentNullException.ThrowIfNull(batch);
            if (batch.dim() < 3 || batch.shape[1] != 2)
                throw new ArgumentException($"The batch has shape [{string.Join(", ", batch.shape)}]; pairs are [batch, 2, …]: x₀ and then x₁.", nameof(batch));
            return new CoupledBatch(batch.select(1, 0), batch.select(1, 1), condition);
        }
    }
}
