using System.Text;
using System.Text.Json.Nodes;
using Diffusion.Checkpoints;
using Xunit;

namespace Diffusion.Tests.Hostile;

/// <summary>One safetensors file.</summary>
internal sealed class SafetensorsFormat() : HostileFormat("safetensors")
{
    private const string FileName = "model.safetensors";

    private static readonly JsonMutation Json = new("F32", "F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "dtype", "shape", "data_offsets", "__metadata__", "a", "b", "empty");

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder =>
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(
            Path.Combine(folder, FileName),
            [("a", ones(2, 3)), ("b", arange(2, int64)), ("half", zeros(4, float16)), ("flags", ones([3], ScalarType.Bool)), ("empty", zeros(0, 3)), ("number", tensor(1.0))],
            new Dictionary<string, string> { ["format"] = "pt", ["note"] = "x" });
    });

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        .. Checkpoints.HostileSafetensorsTests.Headers.Select(row => ((ITheoryDataRow)row).GetData()).Select(row => With(FileName, File((string)row[0]!, new byte[(int)row[1]!]))),
        With(FileName, []), With(FileName, [255, 255, 255, 255, 255, 255, 255, 255]), With(FileName, [9, 0, 0, 0, 0, 0, 0, 0, (byte)'{']),
        // No bytes, and sizes whose product is beyond every number: the zero must not hide them.
        With(FileName, File("""{"x":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}""", [])),
        With(FileName, File("""{"x":{"dtype":"F32","shape":[4611686018427387904,0,8],"data_offsets":[0,0]}}""", [])),
        With(FileName, File($$$"""{"x":{"dtype":"BOOL","shape":[{{{string.Join(',', Enumerable.Repeat(1, 64))}}}],"data_offsets":[0,1]}}""", [7])),
        // Each in its own file, or the reader could take the memory of one for the other.
        With(FileName, File("{" + string.Join(',', Enumerable.Range(0, 3000).Select(i => $"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[{i},{i + 1}]}}")) + "}", new byte[3000])),
        With(FileName, File($$$"""{"x":{"dtype":"U8","shape":[{{{string.Join(',', Enumerable.Repeat(1, 100_000))}}}],"data_offsets":[0,1]}}""", [7])),
    ];

    public override long Load(string folder) => Load(Path.Combine(folder, FileName), _ => { });

    public override void Distort(Dictionary<string, byte[]> files, Random random) => files[FileName] = Distort(files[FileName], random);

    public static long Load(string path, Action<string> see)
    {
        using var file = SafetensorsFile.Open(path);
        return ReadAll(file, see);
    }

    public static long ReadAll(TensorFile file, Action<string> see)
    {
        var bytes = 0L;
        foreach (var key in file.Keys)
        {
            see(key);
            using var value = file.Read(key);
            if (!value.shape.SequenceEqual(file.Shape(key)) || value.dtype != file.DType(key)) throw new InvalidOperationException($"'{key}' is not what its header says");
            bytes += Bytes(value);
        }

        return bytes;
    }

    /// <summary>A header that is valid JSON and lies about its tensors.</summary>
    public static byte[] Distort(byte[] file, Random random)
    {
        var length = (int)BitConverter.ToInt64(file);
        var (text, data) = (Encoding.UTF8.GetString(file, 8, length), file[(8 + length)..]);
        var root = JsonNode.Parse(text)!.AsObject();
        switch (random.Next(8))
        {
            case 0: // the header's own length
                return ByteMutation.Overwrite(file, 0, random, 8, bigEndian: false);
            case 1: // more or less data than the header tiles
                data = random.Next(2) == 0 ? data[..random.Next(data.Length + 1)] : [.. data, .. new byte[1 + random.Next(20)]];
                break;
            case 2: // a size
                var sizes = Tensor(root, random)["shape"]!.AsArray();
                long[] odd = [0, 1, -1, 2, 1L << 31, 1L << 32, 1L << 62, long.MaxValue, random.Next(10)];
                if (sizes.Count > 0 && random.Next(3) > 0) sizes[random.Next(sizes.Count)] = odd[random.Next(odd.Length)];
                else for (var n = random.Next(4); n >= 0; n--) sizes.Add(odd[random.Next(odd.Length)]);
                break;
            case 3: // an offset
                var offsets = Tensor(root, random)["data_offsets"]!.AsArray();
                long[] places = [0, -1, data.Length, data.Length + 1, 1L << 40, long.MaxValue, random.Next(data.Length + 1)];
                offsets[random.Next(2)] = places[random.Next(places.Length)];
                break;
            case 4: // the place of another: an overlap
                Tensor(root, random)["data_offsets"] = Tensor(root, random)["data_offsets"]!.DeepClone();
                break;
            case 5: // another type
                string[] types = ["F64", "F32", "F16", "BF16", "I8", "I16", "I32", "I64", "U8", "BOOL", "F8_E5M2", "U64", "f32", ""];
                Tensor(root, random)["dtype"] = types[random.Next(types.Length)];
                break;
            default:
                return File(Json.Apply(root, random), data);
        }

        return File(root.ToJsonString(), data);
    }

    public static byte[] File(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. data];
    }

    private static JsonObject Tensor(JsonObject root, Random random)
    {
        var names = root.Select(entry => entry.Key).Where(key => key != "__metadata__").ToArray();
        return root[names[random.Next(names.Length)]]!.AsObject();
    }
}

/// <summary>An index and the files that it names, with a valid file outside that no name may reach.</summary>
internal sealed class ShardedFormat() : HostileFormat("sharded safetensors")
{
    private const string Index = "model.safetensors.index.json", Secret = "outside.safetensors";

    private static readonly string[] Escapes =
    [
        "../" + Secret, "..\\" + Secret, "./../" + Secret, "first.safetensors/../../" + Secret, Path.Combine(Path.GetTempPath(), Secret), "/etc/passwd", "C:\\" + Secret, "C:" + Secret, "\\\\host\\share\\" + Secret,
        "//host/" + Secret, "~/" + Secret, "..", ".", "..safetensors", ".hidden.safetensors", "first.safetensors\0", "first.safetensors/", "first.safetensors ", "FIRST.safetensors", "nul.safetensors", "", "first",
        "%2e%2e/" + Secret, "．．/" + Secret, "first.safetensors:" + Secret,
    ];

    private static readonly JsonMutation Json = new([.. Escapes, "first.safetensors", "second.safetensors", "a", "b", "c", "weight_map"]);

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder =>
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(Path.Combine(folder, "first.safetensors"), [("a", ones(2, 3)), ("b", zeros(4))]);
        SafetensorsFile.Save(Path.Combine(folder, "second.safetensors"), [("c", ones(5))]);
        File.WriteAllText(Path.Combine(folder, Index), """{"metadata":{"total_size":60},"weight_map":{"a":"first.safetensors","b":"first.safetensors","c":"second.safetensors"}}""");
    });

    public override IReadOnlyDictionary<string, byte[]> Outside { get; } = Written(folder =>
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(Path.Combine(folder, Secret), [("a", ones(2, 3)), ("secret", ones(1))]);
    });

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        .. Escapes.Select(name => With(Index, new JsonObject { ["weight_map"] = new JsonObject { ["a"] = name, ["secret"] = name } }.ToJsonString())),
        With(Index, """{"weight_map":{"a":"first.safetensors"}}"""), With(Index, """{"weight_map":{"a":"second.safetensors","c":"second.safetensors"}}"""), With(Index, "[]"), With(Index, "{"),
        With(Index, """{"weight_map":{"a":["first.safetensors"]}}"""), With(Index, """{"weight_map":{}}"""), Without("second.safetensors"), Without(Index),
    ];

    public override long Load(string folder)
    {
        using var file = ShardedSafetensors.Open(Path.Combine(folder, Index));
        return SafetensorsFormat.ReadAll(file, key =>
        {
            if (key == "secret") throw new UnauthorizedAccessException("a file outside the folder was read");
        });
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        if (random.Next(3) > 0) files[Index] = Json.Apply(files[Index], random);
        else
        {
            var shard = random.Next(2) == 0 ? "first.safetensors" : "second.safetensors";
            files[shard] = SafetensorsFormat.Distort(files[shard], random);
        }
    }
}
