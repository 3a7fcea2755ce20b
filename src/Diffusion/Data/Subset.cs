namespace Diffusion.Data;

/// <summary>Some samples of another set, which is borrowed: it must outlive the subset and is not disposed with it.</summary>
public sealed class Subset : DataSet
{
    private readonly DataSet _source;
    private readonly long[] _indices;

    /// <summary>The samples of a set that are named by index.</summary>
    /// <param name="source">The set; borrowed.</param>
    /// <param name="indices">Indices of <paramref name="source"/>, at least one; sample k of the subset is sample indices[k] of the source.</param>
    /// <exception cref="ArgumentException">No index is given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is not one of the source.</exception>
    public Subset(DataSet source, ReadOnlySpan<long> indices)
        : base(indices.Length, (source ?? throw new ArgumentNullException(nameof(source))).SampleShape, source.ClassNames)
    {
        foreach (var index in indices)
            if ((ulong)index >= (ulong)source.Count)
                throw new ArgumentOutOfRangeException(nameof(indices), index, $"The source has samples 0 to {source.Count - 1}.");
        _source = source;
        _indices = indices.ToArray();
    }

    /// <summary>Which samples of the source these are, in order.</summary>
    public ReadOnlySpan<long> Indices => _indices;

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        var mapped = new long[indices.Length];
        for (var k = 0; k < mapped.Length; k++) mapped[k] = _indices[indices[k]];
        _source.ReadInto(mapped, data, labels);
    }
}
