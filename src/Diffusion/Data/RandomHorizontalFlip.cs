using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>Mirrors an image left to right with some probability.</summary>
public sealed class RandomHorizontalFlip : DataTransform
{
    /// <summary>A flip with a probability.</summary>
    /// <param name="probability">In [0, 1]; default one half.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="probability"/> is outside [0, 1].</exception>
    public RandomHorizontalFlip(double probability = 0.5)
    {
        if (!(probability >= 0 && probability <= 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "A probability lies in [0, 1].");
        Probability = probability;
    }

    /// <summary>How often an image is mirrored.</summary>
    public double Probability { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<long> OutputShape(IReadOnlyList<long> sampleShape)
    {
        ImageShape(sampleShape);
        return sampleShape;
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random)
    {
        var result = NewImages(data, random);
        var (channels, height, width) = ImageShape(data.shape[1..]);
        var source = MemoryMarshal.Cast<byte, float>(data.bytes);
        var target = MemoryMarshal.Cast<byte, float>(result.bytes);
        source.CopyTo(target);
        var size = channels * height * width;
        for (var k = 0; k < random.Length; k++)
        {
            if (random[k].NextDouble() >= Probability) continue;
            for (var row = 0; row < size; row += width) target.Slice(k * size + row, width).Reverse();
        }
        return result;
    }
}
