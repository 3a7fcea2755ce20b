using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Diffusion.Checkpoints;

/// <summary>
/// A safetensors file: tensors under names, with an optional table of strings. Opening reads and checks the header only;
/// each tensor is read when asked for.
/// </summary>
/// <remarks>
/// Tensors are read with positioned reads into libtorch's memory rather than through a memory map: a map of a file that
/// another process truncates kills the process, a read that ends early is an exception.
/// </remarks>
public sealed class SafetensorsFile : TensorFile
{
    // A Span holds at most 2³¹ − 1 bytes; larger tensors are read in parts.
    private const long PartBytes = 1 << 30;

    private readonly SafeFileHandle _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle file, SafetensorsHeader header) : base(path) =>
        (_file, _header) = (file, header);

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Keys => _header.Entries.Keys;

    /// <summary>The strings that were saved beside the tensors; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header against its length.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not valid: a header longer than the file or than 100 MB, JSON with repeated names, an element type that is
    /// not supported, a shape that does not fit its bytes, or tensors that overlap, leave a hole or lie outside the file.
    /// The message names the file and the tensor.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            return new SafetensorsFile(path, file, SafetensorsHeader.Read(file, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes tensors as a safetensors file. The bytes depend only on the names, tensors and metadata, not on their order.
    /// The file appears under its name when it is complete and on disk; a file that was there before stays until then.
    /// </summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">Names and tensors, borrowed. Any strides, any device; written from memory one at a time.</param>
    /// <param name="metadata">Strings to keep with the tensors.</param>
    /// <exception cref="ArgumentException">Two tensors have one name, or a tensor has a type that the format does not hold.</exception>
    public static void Save(
        string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <inheritdoc/>
    public override bool Contains(string key) => _header.Entries.ContainsKey(key);

    /// <inheritdoc/>
    public override IReadOnlyList<long> Shape(string key) => Array.AsReadOnly(Find(key).Shape);

    /// <inheritdoc/>
    public override ScalarType DType(string key) => Find(key).DType;

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null)
    {
        var entry = Find(key);
        ObjectDisposedException.ThrowIf(_file.IsClosed, this);
        TorchBackend.EnsureLoaded();
        using var scope = NewDisposeScope();
        try
        {
            // A bool in libtorch must be 0 or 1; a file may hold any byte.
            var stored = entry.DType == ScalarType.Bool ? ScalarType.Byte : entry.DType;
            var result = empty(entry.Shape, dtype: stored, device: CPU);
            if (entry.End > entry.Begin) Fill(result, _header.DataStart + entry.Begin);
            if (stored != entry.DType) result = result.to(entry.DType);
            if (device is not null && device.type != DeviceType.CPU) result = result.to(device);
            return result.MoveToOuterDisposeScope();
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _file.Dispose();

    private void Fill(Tensor contiguous, long offset)
    {
        var size = SafetensorsDType.Size(contiguous.dtype);
        var flat = contiguous.view(-1);
        for (var start = 0L; start < flat.shape[0]; start += PartBytes / size)
        {
            using var part = flat.narrow(0, start, Math.Min(PartBytes / size, flat.shape[0] - start));
            SafetensorsHeader.ReadExactly(_file, part.bytes, offset + start * size, Path);
        }
    }

    private SafetensorsEntry Find(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _header.Entries.TryGetValue(key, out var entry) ? entry : throw NoSuchKey(key);
    }
}
