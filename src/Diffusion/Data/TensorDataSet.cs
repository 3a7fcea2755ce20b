using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>A data set in memory: a tensor, and labels if there are classes.</summary>
public sealed class TensorDataSet : DataSet
{
    private readonly Tensor _data;
    private readonly long[]? _labels;

    /// <summary>A set over tensors. The memory of the data is shared, not copied: it must not be modified afterwards; disposing the tensor is fine.</summary>
    /// <param name="data">
    /// [count, …] on the CPU: float32, finite; or uint8, bytes of pixels that are read as level / 127.5 − 1 (a quarter of the memory).
    /// </param>
    /// <param name="labels">int64 [count] on the CPU, each at least 0; null where the data has no classes.</param>
    /// <param name="classNames">A name for each class; by default "0" … up to the largest label.</param>
    /// <exception cref="ArgumentException">A tensor has another type, shape or device, or holds values that are not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is not one of the classes.</exception>
    public TensorDataSet(Tensor data, Tensor? labels = null, IReadOnlyList<string>? classNames = null)
        : base(CheckedCount(data), data.shape[1..], CheckedNames(data, labels, classNames))
    {
        _data = (data.is_contiguous() ? data.alias() : data.contiguous()).DetachFromDisposeScope();
        _labels = labels?.data<long>().ToArray();
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        for (var k = 0; k < indices.Length; k++)
        {
            using var sample = _data[indices[k]];
            var target = data.Slice(k * SampleSize, SampleSize);
            if (sample.dtype == ScalarType.Byte) PixelScale.FromBytes(sample.bytes, target);
            else MemoryMarshal.Cast<byte, float>(sample.bytes).CopyTo(target);
        }
        if (_labels is null) return;
        for (var k = 0; k < indices.Length; k++) labels[k] = _labels[indices[k]];
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _data.Dispose();
        base.Dispose(disposing);
    }

    private static long CheckedCount(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.dim() < 2 || data.dtype is not (ScalarType.Float32 or ScalarType.Byte) || data.device_type != DeviceType.CPU)
            throw new ArgumentException(
                $"data is {data.dtype} of shape [{string.Join(", ", data.shape)}] on {data.device}; Float32 or Byte [count, …] on the CPU is needed.",
                nameof(data));
        if (data.numel() == 0) throw new ArgumentException($"data has shape [{string.Join(", ", data.shape)}] and holds nothing.", nameof(data));
        if (data.dtype == ScalarType.Float32)
        {
            using var scope = NewDisposeScope();
            if (!data.isfinite().all().item<bool>()) throw new ArgumentException("data holds values that are not finite.", nameof(data));
        }
        return data.shape[0];
    }

    private static IReadOnlyList<string>? CheckedNames(Tensor data, Tensor? labels, IReadOnlyList<string>? classNames)
    {
        if (labels is null)
            return classNames is null ? null : throw new ArgumentException("There are class names but no labels.", nameof(classNames));
        if (labels.dtype != ScalarType.Int64 || labels.dim() != 1 || labels.shape[0] != data.shape[0] || labels.device_type != DeviceType.CPU)
            throw new ArgumentException(
                $"labels is {labels.dtype} of shape [{string.Join(", ", labels.shape)}] on {labels.device}; Int64 [{data.shape[0]}] on the CPU is needed.",
                nameof(labels));
        using var scope = NewDisposeScope();
        var (least, greatest) = (labels.min().item<long>(), labels.max().item<long>());
        if (least < 0) throw new ArgumentOutOfRangeException(nameof(labels), least, "A label is negative.");
        if (classNames is not null && greatest >= classNames.Count)
            throw new ArgumentOutOfRangeException(nameof(labels), greatest, $"There are names for {classNames.Count} classes, 0 to {classNames.Count - 1}.");
        if (greatest >= 1_000_000)
            throw new ArgumentOutOfRangeException(nameof(labels), greatest, "Labels number the classes from 0; at most a million classes are possible.");
        return classNames ?? Numbered(greatest + 1);
    }
}
