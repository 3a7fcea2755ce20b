using System.Buffers.Binary;
using System.Text.Json;

namespace Diffusion.Checkpoints;

/// <summary>Writes the safetensors format as a stream: the header from shapes alone, then one tensor after another.</summary>
internal static class SafetensorsWriter
{
    private const long PartBytes = 1 << 26;

    public static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var ordered = Order(tensors);
        var header = Header(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            stream.Write(prefix);
            stream.Write(header);
            foreach (var (_, tensor) in ordered) WriteData(stream, tensor);
        });
    }

    // Widest elements first, then by name: every tensor is aligned to its element, whatever order it was given in.
    private static List<(string Name, Tensor Tensor)> Order(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var list = new List<(string Name, Tensor Tensor)>();
        foreach (var (name, tensor) in tensors)
        {
            if (string.IsNullOrEmpty(name) || name == "__metadata__")
                throw new ArgumentException($"'{name}' cannot be the name of a tensor.", nameof(tensors));
            if (tensor is null) throw new ArgumentException($"Tensor '{name}' is null.", nameof(tensors));
            if (!names.Add(name)) throw new ArgumentException($"Two tensors are named '{name}'.", nameof(tensors));
            if (!SafetensorsDType.TryName(tensor.dtype, out _))
                throw new ArgumentException($"Tensor '{name}' is {tensor.dtype}; supported are {SafetensorsDType.Supported}.", nameof(tensors));
            if (tensor.device_type == DeviceType.META) throw new ArgumentException($"Tensor '{name}' is on the meta device and has no data.", nameof(tensors));
            list.Add((name, tensor));
        }
        list.Sort((a, b) =>
        {
            var bySize = SafetensorsDType.Size(b.Tensor.dtype).CompareTo(SafetensorsDType.Size(a.Tensor.dtype));
            return bySize != 0 ? bySize : string.CompareOrdinal(a.Name, b.Name);
        });
        return list;
    }

    private static byte[] Header(List<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            var offset = 0L;
            foreach (var (name, tensor) in tensors)
            {
                SafetensorsDType.TryName(tensor.dtype, out var dtype);
                json.WriteStartObject(name);
                json.WriteString("dtype", dtype);
                json.WriteStartArray("shape");
                foreach (var length in tensor.shape) json.WriteNumberValue(length);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += tensor.numel() * SafetensorsDType.Size(tensor.dtype);
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        if (buffer.Length > SafetensorsHeader.MaxLength)
            throw new ArgumentException($"The header would take {buffer.Length} bytes; at most {SafetensorsHeader.MaxLength} are allowed.", nameof(tensors));
        return buffer.ToArray();
    }

    private static void WriteData(Stream stream, Tensor tensor)
    {
        if (tensor.numel() == 0) return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var size = SafetensorsDType.Size(tensor.dtype);
        var flat = tensor.to(CPU).contiguous().view(-1);
        for (var start = 0L; start < flat.shape[0]; start += PartBytes / size)
        {
            using var part = flat.narrow(0, start, Math.Min(PartBytes / size, flat.shape[0] - start));
            stream.Write(part.bytes);
        }
    }
}
