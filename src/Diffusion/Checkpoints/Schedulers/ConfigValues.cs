namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The arguments of one scheduler class, each with its value or its default.</summary>
internal sealed class ConfigValues
{
    private readonly Dictionary<string, object?> _values;

    public ConfigValues(string source, Dictionary<string, object?> values)
    {
        Source = source;
        _values = values;
    }

    /// <summary>The file, for messages.</summary>
    public string Source { get; }

    public bool Has(string key) => _values.ContainsKey(key);

    public int Integer(string key) => (int)_values[key]!;

    public int? OptionalInteger(string key) => (int?)_values[key];

    public double Number(string key) => (double)_values[key]!;

    public double? OptionalNumber(string key) => (double?)_values[key];

    public bool Flag(string key) => (bool)_values[key]!;

    /// <summary>Whether a class has a flag and it is set.</summary>
    public bool FlagIfAny(string key) => _values.TryGetValue(key, out var value) && (bool)value!;

    public string Choice(string key) => (string)_values[key]!;

    public string? OptionalChoice(string key) => (string?)_values[key];

    public double[]? Numbers(string key) => (double[]?)_values[key];

    public int[] Integers(string key) => (int[])_values[key]!;

    /// <summary>The error of a value that its type allows but nothing else does.</summary>
    public InvalidDataException Wrong(string key, string why) => new($"{Source}: '{key}' {why}");

    /// <summary>The one flag of a group that is set; null where none is.</summary>
    /// <exception cref="InvalidDataException">Several are set: they contradict each other.</exception>
    public string? OneOf(params ReadOnlySpan<string> keys)
    {
        string? set = null;
        foreach (var key in keys)
        {
            if (!FlagIfAny(key)) continue;
            if (set is not null) throw Wrong(key, $"and '{set}' are both true; at most one of them can be.");
            set = key;
        }

        return set;
    }
}
