using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>
/// Spreads data that takes a number of levels evenly over their bins, anew each time it is read: for models whose likelihood is a density. Evaluate them with
/// <see cref="Quantization.Dequantize"/>.
/// </summary>
/// <param name="levels">The levels.</param>
public sealed class Dequantization(Quantization levels) : DataTransform
{
    /// <summary>The levels.</summary>
    public Quantization Levels { get; } = levels ?? throw new ArgumentNullException(nameof(levels));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The data is not a contiguous float32 batch on the CPU, or the streams are not one a sample.</exception>
    public override Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.dtype != ScalarType.Float32 || data.device_type != DeviceType.CPU || !data.is_contiguous() || data.dim() < 1)
            throw new ArgumentException($"data is {data.dtype} of shape [{string.Join(", ", data.shape)}] on {data.device}; contiguous Float32 [batch, …] on the CPU is needed.", nameof(data));
        if (random.Length != data.shape[0]) throw new ArgumentException($"There are {random.Length} streams for {data.shape[0]} samples.", nameof(random));
        var result = data.clone();
        var values = MemoryMarshal.Cast<byte, float>(result.bytes);
        var size = random.Length == 0 ? 0 : values.Length / random.Length;
        for (var k = 0; k < random.Length; k++)
            foreach (ref var value in values.Slice(k * size, size)) value = (float)(value + (random[k].NextDouble() - 0.5) * Levels.Step);
        return result;
    }
}
