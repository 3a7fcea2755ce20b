namespace Diffusion.Training;

/// <summary>Data and noise that belong together. The tensors belong to the scope of whoever asked for the coupling.</summary>
/// <param name="data">x₀ [batch, …].</param>
/// <param name="noise">x₁, of the shape of <paramref name="data"/>.</param>
/// <param name="condition">The condition of each pair: the one that was given, or a new one in another order.</param>
public sealed class CoupledBatch(Tensor data, Tensor noise, Conditioning? condition)
{
    /// <summary>x₀.</summary>
    public Tensor Data { get; } = data ?? throw new ArgumentNullException(nameof(data));

    /// <summary>x₁.</summary>
    public Tensor Noise { get; } = noise ?? throw new ArgumentNullException(nameof(noise));

    /// <summary>The condition of each pair.</summary>
    public Conditioning? Condition { get; } = condition;
}
