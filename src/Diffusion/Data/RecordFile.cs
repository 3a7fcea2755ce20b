using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace Diffusion.Data;

/// <summary>
/// Bytes of a file at any place, read by several threads at once. A plain file stays on the disk; a compressed one is held in memory.
/// </summary>
internal sealed class RecordFile : IDisposable
{
    // No deflate stream expands further (RFC 1951: 258 bytes from two bits); what claims to is damaged or hostile.
    private const long GreatestExpansion = 1032;

    private const int FirstPiece = 1 << 20;

    private readonly SafeFileHandle? _handle;
    private readonly byte[]? _memory;

    private RecordFile(string path, SafeFileHandle? handle, byte[]? memory, long length) =>
        (Path, _handle, _memory, Length) = (path, handle, memory, length);

    public string Path { get; }

    /// <summary>Length of the content in bytes, header included.</summary>
    public long Length { get; }

    /// <summary>Opens a file, plain or compressed with gzip.</summary>
    /// <param name="path">The file.</param>
    /// <param name="headerSize">How many bytes <paramref name="lengthOf"/> looks at.</param>
    /// <param name="lengthOf">What the header says the length of the whole content is. Throws if the header is wrong.</param>
    /// <exception cref="InvalidDataException">The content is not exactly as long as its header says.</exception>
    public static RecordFile Open(string path, int headerSize, Func<byte[], UInt128> lengthOf)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var handle = File.OpenHandle(path);
        try
        {
            var length = RandomAccess.GetLength(handle);
            if (length == 0) throw new InvalidDataException($"'{path}' is empty.");
            var start = new byte[headerSize];
            var read = RandomAccess.Read(handle, start, 0);
            if (read >= 2 && start[0] == 0x1F && start[1] == 0x8B)
            {
                using (handle) return Decompress(path, handle, length, headerSize, lengthOf);
            }
            if (read < headerSize) throw new InvalidDataException($"'{path}' is cut off: it has {length} bytes, its header alone needs {headerSize}.");
            CheckLength(path, length, lengthOf(start));
            return new RecordFile(path, handle, null, length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="destination"/> from a place in the content.</summary>
    /// <exception cref="InvalidDataException">The file has become shorter since it was opened.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (_memory is not null)
        {
            _memory.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return;
        }
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(_handle!, destination, offset);
            if (read == 0) throw new InvalidDataException($"'{Path}' has become shorter while it was in use: nothing at byte {offset} of {Length}.");
            destination = destination[read..];
            offset += read;
        }
    }

    public void Dispose() => _handle?.Dispose();

    private static RecordFile Decompress(string path, SafeFileHandle handle, long compressed, int headerSize, Func<byte[], UInt128> lengthOf)
    {
        try
        {
            using var file = new FileStream(handle, FileAccess.Read);
            file.Position = 0;
            using var content = new GZipStream(file, CompressionMode.Decompress);
            var header = new byte[headerSize];
            var read = content.ReadAtLeast(header, headerSize, throwOnEndOfStream: false);
            if (read < headerSize) throw new InvalidDataException($"'{path}' is cut off: {read} bytes unpacked, its header alone needs {headerSize}.");
            var length = lengthOf(header);
            // Before memory is taken: could so few bytes hold so many?
            if (length > (UInt128)compressed * GreatestExpansion)
                throw new InvalidDataException($"'{path}' is damaged or cut off: {compressed} compressed bytes cannot hold the {length} that its header claims.");
            if (length > (UInt128)Array.MaxLength)
                throw new InvalidDataException($"'{path}' unpacks to {length} bytes, too many to hold in memory; unpack it, and it is read from the disk.");
            // Memory grows with what is there, not with what the header claims.
            var memory = GC.AllocateUninitializedArray<byte>((int)UInt128.Min(length, FirstPiece));
            header.CopyTo(memory, 0);
            while (true)
            {
                read += content.ReadAtLeast(memory.AsSpan(read), memory.Length - read, throwOnEndOfStream: false);
                if (read < memory.Length || memory.Length == (int)length) break;
                Array.Resize(ref memory, (int)Math.Min(2L * memory.Length, (long)length));
            }

            CheckLength(path, read, length);
            if (content.ReadByte() >= 0) throw new InvalidDataException($"'{path}' is damaged: it holds more than the {length} bytes that its header claims.");
            return new RecordFile(path, null, memory, memory.Length);
        }
        catch (InvalidDataException error) when (!error.Message.Contains(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"'{path}' is damaged: its gzip stream cannot be unpacked ({error.Message})", error);
        }
    }

    private static void CheckLength(string path, long length, UInt128 needed)
    {
        if ((ulong)length < needed) throw new InvalidDataException($"'{path}' is cut off: it holds {length} bytes; its header claims {needed}.");
        if ((ulong)length > needed) throw new InvalidDataException($"'{path}' is damaged: it holds {length} bytes, more than the {needed} that its header claims.");
    }
}
