namespace Diffusion.Checkpoints;

/// <summary>
/// Named tensors on disk, read one at a time. Only the names, shapes and types are held in memory. Methods may be called from
/// several threads at once; disposing closes the files.
/// </summary>
public abstract class TensorFile : IDisposable
{
    private protected TensorFile(string path) => Path = path;

    /// <summary>The file that was opened; named in messages.</summary>
    public string Path { get; }

    /// <summary>Names of the tensors, in the order of the file.</summary>
    public abstract IReadOnlyCollection<string> Keys { get; }

    /// <summary>Whether the file holds a tensor of that name.</summary>
    public abstract bool Contains(string key);

    /// <summary>Shape of a tensor, without reading it.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    public abstract IReadOnlyList<long> Shape(string key);

    /// <summary>Element type of a tensor, without reading it.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    public abstract ScalarType DType(string key);

    /// <summary>Reads one tensor, straight into memory of libtorch.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="device">Where it is put; the CPU by default.</param>
    /// <returns>A fresh contiguous tensor of the shape and type of the file, in the caller's scope.</returns>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    /// <exception cref="InvalidDataException">The file has become shorter since it was opened.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    /// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
    public abstract Tensor Read(string key, Device? device = null);

    /// <summary>Closes the file. Tensors that were read stay.</summary>
    public abstract void Dispose();

    private protected KeyNotFoundException NoSuchKey(string key) => new($"'{Path}' has no tensor '{key}'.");
}
