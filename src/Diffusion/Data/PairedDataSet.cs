namespace Diffusion.Data;

/// <summary>
/// Two data sets as one of pairs [2, …], x₀ from the first and x₁ from the second, with the classes of the first: what a flow between two kinds of data
/// is trained on. Borrows both, which must outlive it.
/// </summary>
public sealed class PairedDataSet : DataSet
{
    private readonly DataSet _data;
    private readonly DataSet _other;
    private readonly bool _all;

    private PairedDataSet(DataSet data, DataSet other, long count, bool all) : base(count, [2, .. data.SampleShape], data.ClassNames) =>
        (_data, _other, _all) = (data, other, all);

    /// <summary>Every sample of one set with every sample of the other, so that drawing from it at random couples them independently.</summary>
    /// <param name="data">x₀, and the classes if there are any.</param>
    /// <param name="other">x₁, of the same shape.</param>
    /// <exception cref="ArgumentException">The samples differ in shape, or there are too many pairs.</exception>
    public static PairedDataSet AllPairs(DataSet data, DataSet other)
    {
        Check(data, other);
        if ((UInt128)data.Count * (UInt128)other.Count > long.MaxValue)
            throw new ArgumentException($"{data.Count} times {other.Count} pairs are too many to number.", nameof(other));
        return new PairedDataSet(data, other, data.Count * other.Count, all: true);
    }

    /// <summary>Sample k of one set with sample k of the other.</summary>
    /// <param name="data">x₀, and the classes if there are any.</param>
    /// <param name="other">x₁, of the same shape and as many.</param>
    /// <exception cref="ArgumentException">The samples differ in shape, or the sets in size.</exception>
    public static PairedDataSet InOrder(DataSet data, DataSet other)
    {
        Check(data, other);
        if (data.Count != other.Count) throw new ArgumentException($"One set has {data.Count} samples, the other {other.Count}; pairs in order need as many of both.", nameof(other));
        return new PairedDataSet(data, other, data.Count, all: false);
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        var size = _data.SampleSize;
        var (first, second) = (new long[indices.Length], new long[indices.Length]);
        for (var k = 0; k < indices.Length; k++) (first[k], second[k]) = _all ? Math.DivRem(indices[k], _other.Count) : (indices[k], indices[k]);
        var (x0, x1) = (new float[indices.Length * size], new float[indices.Length * size]);
        _data.ReadInto(first, x0, labels);
        _other.ReadInto(second, x1, _other.ClassCount is null ? [] : new long[indices.Length]);
        for (var k = 0; k < indices.Length; k++)
        {
            x0.AsSpan(k * size, size).CopyTo(data[(2 * k * size)..]);
            x1.AsSpan(k * size, size).CopyTo(data[((2 * k + 1) * size)..]);
        }
    }

    private static void Check(DataSet data, DataSet other)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(other);
        if (!data.SampleShape.SequenceEqual(other.SampleShape))
            throw new ArgumentException($"Samples of the one set have shape [{string.Join(", ", data.SampleShape)}], of the other [{string.Join(", ", other.SampleShape)}]; pairs need one shape.", nameof(other));
    }
}
