namespace Diffusion.Checkpoints;

/// <summary>Element types of the safetensors format that libtorch holds natively, and their names in a header.</summary>
internal static class SafetensorsDType
{
    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("BOOL", ScalarType.Bool, 1),
        ("U8", ScalarType.Byte, 1),
        ("I8", ScalarType.Int8, 1),
        ("I16", ScalarType.Int16, 2),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I32", ScalarType.Int32, 4),
        ("F32", ScalarType.Float32, 4),
        ("I64", ScalarType.Int64, 8),
        ("F64", ScalarType.Float64, 8),
    ];

    public static string Supported { get; } = string.Join(", ", Known.Select(k => k.Name));

    public static bool TryParse(string name, out ScalarType type)
    {
        foreach (var known in Known)
        {
            if (known.Name != name) continue;
            type = known.Type;
            return true;
        }
        type = default;
        return false;
    }

    public static bool TryName(ScalarType type, out string name)
    {
        name = Known.FirstOrDefault(k => k.Type == type).Name;
        return name is not null;
    }

    /// <summary>Bytes an element. Only for types that <see cref="TryParse"/> or <see cref="TryName"/> knows.</summary>
    public static int Size(ScalarType type) => Known.First(k => k.Type == type).Size;
}
