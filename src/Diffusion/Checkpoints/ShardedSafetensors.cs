using System.Text.Json;

namespace Diffusion.Checkpoints;

/// <summary>
/// A checkpoint that is split over several safetensors files, listed in an index
/// (<c>{"metadata": …, "weight_map": {"tensor": "file"}}</c>, as Hugging Face libraries write it).
/// </summary>
/// <remarks>A file of the checkpoint may be a link to another place: the caches of Hugging Face libraries are made of links. A name cannot lead elsewhere.</remarks>
public sealed class ShardedSafetensors : TensorFile
{
    private readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);

    private ShardedSafetensors(string path) : base(path)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Keys => _fileOf.Keys;

    /// <summary>Opens every file that an index names, all in the folder of the index, and checks their headers.</summary>
    /// <param name="indexPath">The index, a JSON file.</param>
    /// <exception cref="FileNotFoundException">The index or a file that it names is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// The index or a file is not valid, the index names a file by more than a plain name, or index and files disagree
    /// about which tensors there are.
    /// </exception>
    public static ShardedSafetensors Open(string indexPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(indexPath);
        var result = new ShardedSafetensors(indexPath);
        try
        {
            result.OpenFiles(ReadIndex(indexPath));
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool Contains(string key) => _fileOf.ContainsKey(key);

    /// <inheritdoc/>
    public override IReadOnlyList<long> Shape(string key) => FileOf(key).Shape(key);

    /// <inheritdoc/>
    public override ScalarType DType(string key) => FileOf(key).DType(key);

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null) => FileOf(key).Read(key, device);

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > SafetensorsHeader.MaxLength) throw Bad(path, $"it has {length} bytes; at most {SafetensorsHeader.MaxLength} are accepted");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                throw Bad(path, "it has no object 'weight_map'");
            var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                var name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : entry.Value.GetRawText();
                if (entry.Value.ValueKind != JsonValueKind.String || !IsPlainName(name))
                    throw Bad(path, $"it puts '{entry.Name}' into {name}; the plain name of a .safetensors file beside it is needed");
                fileOf.Add(entry.Name, name);
            }
            return fileOf;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Bad(path, $"it is not valid JSON ({error.Message})", error);
        }
    }

    // A name with a separator or a drive could leave the folder of the checkpoint, on whichever system wrote or reads it.
    private static bool IsPlainName(string name) =>
        name.IndexOfAny(['/', '\\', ':', '\0']) < 0 && name.EndsWith(".safetensors", StringComparison.Ordinal) && name[0] != '.';

    private static InvalidDataException Bad(string path, string fault, Exception? inner = null) =>
        new($"'{path}' is not a valid index of a sharded checkpoint: {fault}.", inner);

    private void OpenFiles(Dictionary<string, string> nameOf)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        foreach (var (key, name) in nameOf)
        {
            if (!_files.TryGetValue(name, out var file)) _files.Add(name, file = SafetensorsFile.Open(System.IO.Path.Combine(folder, name)));
            if (!file.Contains(key)) throw Bad(Path, $"it puts '{key}' into {name}, which does not have it");
            _fileOf.Add(key, file);
        }
        foreach (var (name, file) in _files)
        {
            foreach (var key in file.Keys)
            {
                if (!nameOf.TryGetValue(key, out var named) || named != name) throw Bad(Path, $"{name} has '{key}', which it does not put there");
            }
        }
    }

    private SafetensorsFile FileOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _fileOf.TryGetValue(key, out var file) ? file : throw NoSuchKey(key);
    }
}
