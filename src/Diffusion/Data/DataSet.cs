using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>
/// Samples that are numbered, read on demand, and may have classes. A set may be larger than memory: only what is asked for is
/// read. To make one of your own, derive, pass the sizes to the constructor and write <see cref="Read"/>.
/// </summary>
/// <remarks>
/// Immutable, and safe to be read from several threads at once: a <see cref="DataLoader"/> reads on its own thread. The same
/// index gives the same sample every time.
/// </remarks>
public abstract class DataSet : IDisposable
{
    private readonly long[] _sampleShape;
    private readonly string[]? _classNames;
    private bool _disposed;

    /// <summary>States the size of the set.</summary>
    /// <param name="count">Number of samples, at least 1.</param>
    /// <param name="sampleShape">Shape of one sample, for example [channels, height, width]; sizes are at least 1.</param>
    /// <param name="classNames">A name for each class, or null where the data has no classes.</param>
    /// <exception cref="ArgumentException">A size is below 1, or there are no class names in the list.</exception>
    protected DataSet(long count, IReadOnlyList<long> sampleShape, IReadOnlyList<string>? classNames)
    {
        ArgumentNullException.ThrowIfNull(sampleShape);
        if (count < 1) throw new ArgumentException($"The set has {count} samples; at least one is needed.", nameof(count));
        if (sampleShape.Count == 0 || sampleShape.Any(n => n < 1))
            throw new ArgumentException(
                $"A sample has shape [{string.Join(", ", sampleShape)}]; one size or more, each at least 1, is needed.", nameof(sampleShape));
        var sampleSize = sampleShape.Aggregate((UInt128)1, (product, n) => product * (ulong)n);
        if (sampleSize * sizeof(float) > int.MaxValue)
            throw new ArgumentException($"A sample of shape [{string.Join(", ", sampleShape)}] exceeds 2 GiB.", nameof(sampleShape));
        if (classNames is { Count: 0 })
            throw new ArgumentException("The list of class names is empty; give null where the data has no classes.", nameof(classNames));
        Count = count;
        _sampleShape = [.. sampleShape];
        _classNames = classNames is null ? null : [.. classNames];
        SampleSize = (int)sampleSize;
    }

    /// <summary>Number of samples.</summary>
    public long Count { get; }

    /// <summary>Shape of one sample, without the batch axis; for images [channels, height, width].</summary>
    public IReadOnlyList<long> SampleShape => _sampleShape;

    /// <summary>How many numbers a sample has: the product of <see cref="SampleShape"/>.</summary>
    public int SampleSize { get; }

    /// <summary>Name of each class; null where the data has no classes.</summary>
    public IReadOnlyList<string>? ClassNames => _classNames;

    /// <summary>Number of classes; null where the data has no classes.</summary>
    public int? ClassCount => _classNames?.Length;

    /// <summary>Reads samples.</summary>
    /// <param name="indices">At least one, each in [0, <see cref="Count"/>); repetitions are allowed.</param>
    /// <returns>The samples in that order, on the CPU, in the caller's scope.</returns>
    /// <exception cref="ArgumentException">No index is given, or the batch would exceed 2 GiB.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is not one of the set.</exception>
    /// <exception cref="InvalidDataException">A file of the set is damaged; the message names it.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    public Batch Get(params ReadOnlySpan<long> indices)
    {
        TorchBackend.EnsureLoaded();
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (indices.IsEmpty) throw new ArgumentException("No index was given; at least one is needed.", nameof(indices));
        foreach (var index in indices)
            if ((ulong)index >= (ulong)Count)
                throw new ArgumentOutOfRangeException(nameof(indices), index, $"The set has samples 0 to {Count - 1}.");
        if ((long)SampleSize * indices.Length > int.MaxValue / sizeof(float))
            throw new ArgumentException(
                $"{indices.Length} samples of shape [{string.Join(", ", _sampleShape)}] exceed 2 GiB; read fewer at a time.", nameof(indices));

        using var scope = NewDisposeScope();
        try
        {
            var data = empty([indices.Length, .. _sampleShape], float32, CPU);
            var labels = _classNames is null ? null : empty([indices.Length], int64, CPU);
            Read(indices, MemoryMarshal.Cast<byte, float>(data.bytes), labels is null ? default : MemoryMarshal.Cast<byte, long>(labels.bytes));
            return new Batch(data.MoveToOuterDisposeScope(), labels?.MoveToOuterDisposeScope());
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
        }
    }

    /// <summary>Frees files and tensors that the set owns. No thread may be reading.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes samples into memory that is given. May be called from several threads at once.</summary>
    /// <param name="indices">The samples; already checked.</param>
    /// <param name="data">Room for the samples one after another, each in row-major order of <see cref="SampleShape"/>. Not cleared.</param>
    /// <param name="labels">Room for a class a sample; empty where the data has no classes.</param>
    protected abstract void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels);

    /// <summary>Frees what the set owns; called once.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Lets a set that wraps another read it without making tensors.</summary>
    internal void ReadInto(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Read(indices, data, labels);
    }

    /// <summary>"0", "1", … for sets whose classes have no names.</summary>
    internal static string[] Numbered(long classCount) =>
        [.. Enumerable.Range(0, checked((int)classCount)).Select(k => k.ToString(System.Globalization.CultureInfo.InvariantCulture))];
}
