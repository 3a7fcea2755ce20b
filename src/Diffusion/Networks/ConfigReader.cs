using System.Collections.Immutable;
using System.Text.Json;
using Diffusion.Checkpoints;

namespace Diffusion.Networks;

/// <summary>Reads a config.json key by key; a missing key has its default, anything unexpected is an error that names file and key.</summary>
internal sealed class ConfigReader
{
    private readonly string _source;
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <param name="json">The text.</param>
    /// <param name="source">Where it is from.</param>
    /// <param name="className">What "_class_name" must be, where it is given.</param>
    public ConfigReader(string json, string source, string className)
    {
        _source = source;
        try
        {
            var root = ConfigurationText.Parse(json);
            if (root.ValueKind != JsonValueKind.Object) throw Bad("it is not a JSON object");
            foreach (var property in root.EnumerateObject())
                if (!_values.TryAdd(property.Name, property.Value)) throw Bad($"'{property.Name}' is given twice");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"'{source}' is not valid JSON: {error.Message}", error);
        }
        if (_values.TryGetValue("_class_name", out var name) && name.ToString() != className)
            throw Bad($"'_class_name' is {name.GetRawText()}; \"{className}\" is needed");
    }

    /// <summary>The class that a configuration names; null where it names none or is no configuration, which whoever reads it will say.</summary>
    public static string? ClassOf(string json)
    {
        try
        {
            var root = ConfigurationText.Parse(json);
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("_class_name", out var name) ? name.ToString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public int Integer(string key, int fallback) => Find(key) is { } value ? AsInteger(key, value) : fallback;

    public int? OptionalInteger(string key, int? fallback) =>
        Find(key) is not { } value ? fallback : value.ValueKind == JsonValueKind.Null ? null : AsInteger(key, value);

    public double Number(string key, double fallback) =>
        Find(key) is not { } value ? fallback
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number
        : throw Wrong(key, value, "a number");

    public bool Flag(string key, bool fallback) =>
        Find(key) is not { } value ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(key, value, "true or false");

    public bool? OptionalFlag(string key) => Raw(key) is null ? null : Flag(key, false);

    /// <summary>A value of any kind as JSON, for what is kept and not understood.</summary>
    public string Text(string key) => Find(key)!.Value.GetRawText();

    public IReadOnlyCollection<string> Keys => _values.Keys;

    /// <summary>A list, or one value for all, which is a list of one.</summary>
    public ImmutableArray<int> IntegerOrList(string key, ImmutableArray<int> fallback) =>
        Find(key) is not { } value ? fallback : IntegerOrList(key, value);

    /// <summary>A list of lists, in either of which one value stands for a list of one.</summary>
    public ImmutableArray<ImmutableArray<int>> NestedIntegers(string key, ImmutableArray<ImmutableArray<int>> fallback) =>
        Find(key) is not { } value ? fallback
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(v => IntegerOrList(key, v))]
        : [IntegerOrList(key, value)];

    /// <summary>A list of true and false, or one of them for all, which is a list of one.</summary>
    public ImmutableArray<bool> FlagOrList(string key, ImmutableArray<bool> fallback)
    {
        bool One(JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Wrong(key, value, "true, false or a list of them");
        return Find(key) is not { } given ? fallback : given.ValueKind == JsonValueKind.Array ? [.. given.EnumerateArray().Select(One)] : [One(given)];
    }

    public ImmutableArray<int> Integers(string key, ImmutableArray<int> fallback) =>
        Find(key) is { } value ? [.. Items(key, value).Select(v => AsInteger(key, v))] : fallback;

    /// <summary>One of several names.</summary>
    public T Choice<T>(string key, T fallback, params ReadOnlySpan<(string Name, T Value)> choices) =>
        Find(key) is { } value ? AsChoice(key, value, choices) : fallback;

    /// <summary>One of several names, or null.</summary>
    public T? OptionalChoice<T>(string key, params ReadOnlySpan<(string Name, T Value)> choices) where T : struct =>
        Find(key) is not { } value || value.ValueKind == JsonValueKind.Null ? null : AsChoice(key, value, choices);

    /// <summary>A list of names.</summary>
    public ImmutableArray<T> Choices<T>(string key, ImmutableArray<T> fallback, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        if (Find(key) is not { } value) return fallback;
        var result = ImmutableArray.CreateBuilder<T>();
        foreach (var item in Items(key, value)) result.Add(AsChoice(key, item, choices));
        return result.ToImmutable();
    }

    /// <summary>Height and width: a list of both, or one number where they agree; or null.</summary>
    public (int Height, int Width)? Size(string key)
    {
        if (Raw(key) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var side)) return (side, side);
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && value[0].ValueKind == JsonValueKind.Number && value[0].TryGetInt32(out var height)
            && value[1].ValueKind == JsonValueKind.Number && value[1].TryGetInt32(out var width))
            return (height, width);
        throw Wrong(key, value, "an integer or a list of height and width");
    }

    public bool IsList(string key) => Raw(key)?.ValueKind == JsonValueKind.Array;

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>A value read by the caller; null where it is missing or null.</summary>
    public JsonElement? Raw(string key) => Find(key) is { ValueKind: not JsonValueKind.Null } value ? value : null;

    /// <summary>Fails if a key was not asked for. Those that begin with an underscore are notes.</summary>
    public void RefuseOthers()
    {
        foreach (var key in _values.Keys)
        {
            if (!_read.Contains(key) && !key.StartsWith('_')) throw Bad($"'{key}' is not an option of this network");
        }
    }

    public InvalidDataException Wrong(string key, JsonElement value, string needed) =>
        Bad($"'{key}' is {value.GetRawText()}; {needed} is needed");

    private JsonElement? Find(string key)
    {
        _read.Add(key);
        return _values.TryGetValue(key, out var value) ? value : null;
    }

    private ImmutableArray<int> IntegerOrList(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(v => AsInteger(key, v))] : [AsInteger(key, value)];

    private int AsInteger(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(key, value, "an integer");

    private T AsChoice<T>(string key, JsonElement value, ReadOnlySpan<(string Name, T Value)> choices)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            foreach (var (name, choice) in choices)
            {
                if (value.ValueEquals(name)) return choice;
            }
        }
        var names = new List<string>();
        foreach (var (name, _) in choices) names.Add($"\"{name}\"");
        throw Wrong(key, value, $"one of {string.Join(", ", names)}");
    }

    private JsonElement.ArrayEnumerator Items(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Wrong(key, value, "a list");

    private InvalidDataException Bad(string fault) => new($"'{_source}': {fault}.");
}
