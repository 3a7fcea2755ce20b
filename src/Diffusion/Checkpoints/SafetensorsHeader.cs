using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace Diffusion.Checkpoints;

/// <summary>
/// The header of a safetensors file, read and checked: 8 bytes little-endian length N, N bytes of JSON, then raw data.
/// Nothing in the file is trusted; whatever passes here can be read without touching memory outside the data.
/// </summary>
internal sealed class SafetensorsHeader
{
    // The limit of the reference implementation: far above any real header, far below what would exhaust memory.
    public const long MaxLength = 100_000_000;

    // libtorch's own limit; a file that says more cannot come from a tensor.
    private const int MaxRank = 64;

    private const string MetadataKey = "__metadata__";

    private readonly string _path;

    private SafetensorsHeader(string path, long dataStart, long dataLength) =>
        (_path, DataStart, DataLength) = (path, dataStart, dataLength);

    public long DataStart { get; }

    public long DataLength { get; }

    public Dictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public static SafetensorsHeader Read(SafeFileHandle file, string path)
    {
        var fileLength = RandomAccess.GetLength(file);
        if (fileLength < 8) throw Bad(path, $"it has {fileLength} bytes; a safetensors file begins with 8 bytes of header length.");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(file, prefix, 0, path);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength) throw Bad(path, $"its header claims {length} bytes; at most {MaxLength} are accepted.");
        if ((long)length > fileLength - 8)
            throw Bad(path, $"its header claims {length} bytes, but only {fileLength - 8} follow. Is the file truncated?");

        var text = new byte[length];
        ReadExactly(file, text, 8, path);
        var header = new SafetensorsHeader(path, 8 + (long)length, fileLength - 8 - (long)length);
        header.Parse(text);
        header.CheckThatDataIsTiled();
        return header;
    }

    /// <summary>Fills the buffer from the file; a file that ends early is bad data, never a short read.</summary>
    public static void ReadExactly(SafeFileHandle file, Span<byte> buffer, long offset, string path)
    {
        while (buffer.Length > 0)
        {
            var read = RandomAccess.Read(file, buffer, offset);
            if (read == 0) throw Bad(path, $"it ends at byte {offset}, {buffer.Length} bytes early. Was it truncated while open?");
            buffer = buffer[read..];
            offset += read;
        }
    }

    public static InvalidDataException Bad(string path, string fault, Exception? inner = null) =>
        new($"'{path}' is not a valid safetensors file: {fault}", inner);

    private void Parse(byte[] text)
    {
        if (text.Length == 0 || text[0] != (byte)'{' || !Utf8.IsValid(text)) throw Bad(_path, "its header is not a JSON object in UTF-8.");
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey) ParseMetadata(property.Value);
                else Entries.Add(property.Name, ParseEntry(property.Name, property.Value));
            }
        }
        // InvalidOperationException: an escape that is no character, such as half of a surrogate pair.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Bad(_path, $"its header is not valid JSON: {error.Message}", error);
        }
    }

    private void ParseMetadata(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Bad(_path, $"'{MetadataKey}' is not a JSON object.");
        foreach (var property in value.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw Bad(_path, $"'{MetadataKey}' holds '{property.Name}', which is not a string.");
            Metadata.Add(property.Name, property.Value.GetString()!);
        }
    }

    private SafetensorsEntry ParseEntry(string key, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw BadKey(key, "is not described by a JSON object");
        foreach (var property in value.EnumerateObject())
        {
            if (property.Name is not ("dtype" or "shape" or "data_offsets"))
                throw BadKey(key, $"has an unknown property '{property.Name}'");
        }
        if (!value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String) throw BadKey(key, "has no dtype");
        if (!SafetensorsDType.TryParse(dtype.GetString()!, out var type))
            throw BadKey(key, $"has dtype '{dtype.GetString()}'; supported are {SafetensorsDType.Supported}");

        var shape = Integers(key, value, "shape");
        if (shape.Length > MaxRank) throw BadKey(key, $"has {shape.Length} dimensions; at most {MaxRank} are possible");
        var offsets = Integers(key, value, "data_offsets");
        if (offsets.Length != 2) throw BadKey(key, $"has {offsets.Length} data offsets; two are needed");
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin > end || end > DataLength)
            throw BadKey(key, $"claims the bytes {begin} to {end} of {DataLength} bytes of data");

        // An empty tensor may not hide a size that no arithmetic holds: strides are products too.
        Int128 size = SafetensorsDType.Size(type);
        foreach (var length in shape)
        {
            size *= Math.Max(length, 1);
            if (size > long.MaxValue) throw BadKey(key, $"has shape [{string.Join(", ", shape)}], which overflows");
        }
        if (shape.Contains(0)) size = 0;
        if (size != end - begin)
            throw BadKey(key, $"has shape [{string.Join(", ", shape)}] of {dtype.GetString()}, {size} bytes, but {end - begin} bytes of data");
        return new SafetensorsEntry(type, shape, begin, end);
    }

    private long[] Integers(string key, JsonElement entry, string name)
    {
        if (!entry.TryGetProperty(name, out var array) || array.ValueKind != JsonValueKind.Array) throw BadKey(key, $"has no {name}");
        var values = new long[array.GetArrayLength()];
        var i = 0;
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var value) || value < 0)
                throw BadKey(key, $"has {item.GetRawText()} in {name}; integers from 0 are needed");
            values[i++] = value;
        }
        return values;
    }

    // Tensors must cover the data without overlap or hole, so that nothing hides in a file and nothing is read twice.
    private void CheckThatDataIsTiled()
    {
        var position = 0L;
        foreach (var (key, entry) in Entries.OrderBy(e => e.Value.Begin).ThenBy(e => e.Value.End))
        {
            if (entry.Begin != position)
                throw BadKey(key, $"begins at byte {entry.Begin} of the data, {(entry.Begin < position ? "inside another tensor" : "after a hole")}; byte {position} is needed");
            position = entry.End;
        }
        if (position != DataLength) throw Bad(_path, $"its tensors end at byte {position} of the data, but {DataLength} bytes are there.");
    }

    private InvalidDataException BadKey(string key, string fault) => Bad(_path, $"tensor '{key}' {fault}.");
}
