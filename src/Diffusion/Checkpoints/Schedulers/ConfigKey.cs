using System.Globalization;
using System.Text.Json;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>One argument of a published scheduler class: its name, what values it takes, and what it is where a file leaves it out.</summary>
internal sealed class ConfigKey
{
    private const int GreatestSteps = 100_000;

    private readonly Func<JsonElement, object?> _parse; // null where the value does not fit
    private readonly bool _optional;

    private ConfigKey(string name, string need, object? @default, Func<JsonElement, object?> parse, bool optional = false)
    {
        Name = name;
        Need = optional ? need + " or null" : need;
        Default = @default;
        _parse = parse;
        _optional = optional;
    }

    public string Name { get; }

    /// <summary>What a value must be, for messages.</summary>
    public string Need { get; }

    public object? Default { get; }

    public static ConfigKey Integer(string name, int @default, int minimum = 0) =>
        new(name, $"an integer of at least {minimum}", @default, e => AsInteger(e) is { } i && i >= minimum ? i : null);

    /// <summary>The number of noise levels that a network was trained on: a hundred times what was ever published, so that no small file takes much memory.</summary>
    public static ConfigKey TrainingSteps(int @default, int minimum = 1) => StepCount("num_train_timesteps", @default, minimum);

    /// <summary>A number of steps that makes a list of that length.</summary>
    public static ConfigKey StepCount(string name, int @default, int minimum = 1) =>
        new(name, $"an integer from {minimum} to {GreatestSteps}", @default, e => AsInteger(e) is { } i && i >= minimum && i <= GreatestSteps ? i : null);

    public static ConfigKey OptionalInteger(string name) => new(name, "an integer", null, e => AsInteger(e), optional: true);

    public static ConfigKey Number(string name, double @default) => new(name, "a number", @default, e => AsNumber(e));

    public static ConfigKey OptionalNumber(string name) => new(name, "a number", null, e => AsNumber(e), optional: true);

    public static ConfigKey Flag(string name, bool @default) => new(name, "true or false", @default,
        e => e.ValueKind is JsonValueKind.True or JsonValueKind.False ? e.GetBoolean() : null);

    public static ConfigKey Choice(string name, string @default, params string[] allowed) =>
        new(name, "one of " + string.Join(", ", allowed), @default, e => AsChoice(e, allowed));

    public static ConfigKey OptionalChoice(string name, params string[] allowed) =>
        new(name, "one of " + string.Join(", ", allowed), null, e => AsChoice(e, allowed), optional: true);

    public static ConfigKey Numbers(string name) => new(name, "a list of numbers", null, e => AsList(e, AsNumber), optional: true);

    public static ConfigKey Integers(string name) => new(name, "a list of integers", Array.Empty<int>(), e => AsList(e, AsInteger));

    /// <summary>An argument that the library has no use for whatever its value (a seed of a generator that callers give, …).</summary>
    public static ConfigKey Unused(string name) => new(name, "anything", null, e => e, optional: true);

    /// <summary>The value in its .NET type.</summary>
    /// <exception cref="InvalidDataException">It is not what the key needs.</exception>
    public object? Parse(JsonElement value, string source)
    {
        if (_optional && value.ValueKind == JsonValueKind.Null) return null;
        return _parse(value) ?? throw new InvalidDataException($"{source}: '{Name}' is {value.GetRawText()}; {Need} is needed.");
    }

    private static int? AsInteger(JsonElement e)
    {
        if (e.ValueKind != JsonValueKind.Number) return null;
        if (e.TryGetInt32(out var integer)) return integer;
        return e.GetDouble() is var number && number == Math.Floor(number) && Math.Abs(number) < int.MaxValue ? (int)number : null; // 1e3, 80.0
    }

    // Infinities are no JSON numbers; they arrive as strings, see SchedulerConfig.
    private static double? AsNumber(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.Number => e.GetDouble(),
        JsonValueKind.String => e.GetString() switch
        {
            "inf" or "Infinity" => double.PositiveInfinity,
            "-inf" or "-Infinity" => double.NegativeInfinity,
            _ => null,
        },
        _ => null,
    };

    private static string? AsChoice(JsonElement e, string[] allowed) =>
        e.ValueKind == JsonValueKind.String && Array.IndexOf(allowed, e.GetString()) >= 0 ? e.GetString() : null;

    private static T[]? AsList<T>(JsonElement e, Func<JsonElement, T?> parse) where T : struct
    {
        if (e.ValueKind != JsonValueKind.Array) return null;
        var list = new T[e.GetArrayLength()];
        var i = 0;
        foreach (var element in e.EnumerateArray())
        {
            if (parse(element) is not { } value) return null;
            list[i++] = value;
        }

        return list;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Need})");
}
