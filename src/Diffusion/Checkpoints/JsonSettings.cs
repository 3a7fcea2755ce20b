using System.Text.Json;

namespace Diffusion.Checkpoints;

/// <summary>
/// Reads one JSON object strictly: a missing or unknown key, or a value of another type, is an error that names the file and the key.
/// </summary>
internal sealed class JsonSettings
{
    private readonly string _file;
    private readonly string _path; // of this object in the file, "" at the top
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    private JsonSettings(string file, string path, JsonElement element)
    {
        _file = file;
        _path = path;
        if (element.ValueKind != JsonValueKind.Object) throw Fault(path.Length == 0 ? "" : path, $"is {element.ValueKind}; an object is needed");
        foreach (var property in element.EnumerateObject())
            if (!_values.TryAdd(property.Name, property.Value)) throw Fault(Key(property.Name), "is given twice");
    }

    /// <summary>Reads the object of a file. Files above 16 MiB are refused: configurations are small.</summary>
    public static JsonSettings ReadFile(string file)
    {
        try
        {
            return new JsonSettings(file, "", ConfigurationText.Parse(ConfigurationText.ReadBytes(file)));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{file}: not valid JSON: {error.Message}", error);
        }
    }

    public bool Has(string key) => _values.TryGetValue(key, out var value) && value.ValueKind != JsonValueKind.Null;

    public JsonSettings Object(string key) => new(_file, Key(key), Take(key));

    public string Text(string key) => Take(key) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Fault(Key(key), "must be a string");

    public double Number(string key) => AsNumber(Take(key), key);

    public int Integer(string key) => Take(key) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : throw Fault(Key(key), "must be a whole number");

    public double[] Numbers(string key) => Array(key, element => AsNumber(element, key));

    public long[] Integers(string key) => Array(key, element =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number) ? number : throw Fault(Key(key), "must be a list of whole numbers"));

    public string[] Texts(string key) => Array(key, element =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Fault(Key(key), "must be a list of strings"));

    /// <summary>Call when everything has been read: a key that was not is unknown.</summary>
    public void Finish()
    {
        foreach (var key in _values.Keys)
            if (!_read.Contains(key)) throw Fault(Key(key), "is not known here");
    }

    public InvalidDataException Fault(string key, string fault) => new($"{_file}: \"{key}\" {fault}.");

    /// <summary>The error of a value that a constructor refused.</summary>
    public InvalidDataException Refused(ArgumentException error) => new($"{_file}: \"{_path}\": {error.Message}", error);

    private T[] Array<T>(string key, Func<JsonElement, T> read) =>
        Take(key) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray().Select(read).ToArray() : throw Fault(Key(key), "must be a list");

    private double AsNumber(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw Fault(Key(key), "must be a finite number");

    private JsonElement Take(string key)
    {
        _read.Add(key);
        return _values.TryGetValue(key, out var value) ? value : throw Fault(Key(key), "is missing");
    }

    private string Key(string key) => _path.Length == 0 ? key : $"{_path}.{key}";
}
