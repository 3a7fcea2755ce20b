using System.Text;
using System.Text.Json;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// A published scheduler configuration (<c>scheduler_config.json</c>), read, checked and kept as it was: writing it back gives the same keys and
/// values. Immutable.
/// </summary>
public sealed class SchedulerConfig
{
    private readonly KeyValuePair<string, JsonElement>[] _entries;
    private readonly ConfigValues _values;

    private SchedulerConfig(string source, string className, SchedulerReader reader, KeyValuePair<string, JsonElement>[] entries, ConfigValues values, string[] notes)
    {
        Source = source;
        ClassName = className;
        Reader = reader;
        _entries = entries;
        _values = values;
        Notes = notes;
    }

    /// <summary>The scheduler classes that can be read.</summary>
    public static IReadOnlyList<string> KnownClasses => [.. SchedulerReaders.ClassNames];

    /// <summary>Where the configuration came from.</summary>
    public string Source { get; }

    /// <summary>The scheduler class that it configures.</summary>
    public string ClassName { get; }

    /// <summary>What was kept but has no effect: keys that belong to other schedulers.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The noise rates β that the configuration stands for, each as float32 holds it; null where its class has none.</summary>
    public IReadOnlyList<double>? NoiseRates => _values.Has("beta_schedule") ? TrainedSchedule.Rates(_values) : null;

    internal SchedulerReader Reader { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">A <c>scheduler_config.json</c>, or the folder that holds one.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no scheduler configuration, names a class or key that is not known, or a value is wrong; the message names the file and the key.</exception>
    public static SchedulerConfig Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Directory.Exists(path) ? Path.Combine(path, "scheduler_config.json") : path;
        return Parse(ConfigurationText.Read(file), file);
    }

    /// <summary>Reads a configuration from text.</summary>
    /// <param name="json">The text. Python's <c>Infinity</c> and <c>-Infinity</c> are understood.</param>
    /// <param name="source">What messages call it.</param>
    /// <param name="className">The class, where the text does not name it.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Read"/>.</exception>
    public static SchedulerConfig Parse(string json, string source = "scheduler configuration", string? className = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(source);
        var entries = Entries(json, source);
        var named = entries.FirstOrDefault(entry => entry.Key == "_class_name").Value;
        var name = className ?? (named.ValueKind == JsonValueKind.String ? named.GetString()! : throw new InvalidDataException($"{source}: '_class_name' is missing; it names the scheduler class."));
        var reader = SchedulerReaders.Of(name)
            ?? throw new InvalidDataException($"{source}: '_class_name' is \"{name}\"; the known classes are {string.Join(", ", SchedulerReaders.ClassNames)}.");
        var keys = reader.KeysOf(name).ToDictionary(key => key.Name);
        var values = keys.Values.ToDictionary(key => key.Name, key => key.Default);
        var notes = new List<string>();
        foreach (var (key, value) in entries)
        {
            if (key.StartsWith('_')) continue; // the file's own bookkeeping
            if (keys.TryGetValue(key, out var known)) values[key] = known.Parse(value, source);
            else if (SchedulerReaders.IsKnownKey(key)) notes.Add($"'{key}' belongs to other schedulers; {name} has no use for it.");
            else throw new InvalidDataException($"{source}: '{key}' is no argument of {name} nor of any other known scheduler. Is it misspelt?");
        }

        var config = new SchedulerConfig(source, name, reader, entries, new ConfigValues(source, values), [.. notes]);
        _ = config.Plan(); // contradictory settings are the file's error, not the run's
        return config;
    }

    /// <summary>The same settings read as another scheduler class: keys that it lacks are ignored, keys that the file lacks take its defaults.</summary>
    /// <param name="className">One of <see cref="KnownClasses"/>.</param>
    /// <exception cref="InvalidDataException">The class is not known, or a value does not fit it.</exception>
    public SchedulerConfig As(string className)
    {
        ArgumentException.ThrowIfNullOrEmpty(className);
        using var stream = new MemoryStream();
        Write(stream, className);
        return Parse(Encoding.UTF8.GetString(stream.ToArray()), Source, className);
    }

    /// <summary>What the configuration means.</summary>
    /// <param name="step">Arguments that the class takes with each step; its defaults if null.</param>
    /// <exception cref="ArgumentException">The class does not take one of them.</exception>
    public SchedulerPlan Plan(StepOptions? step = null)
    {
        step ??= StepOptions.Default;
        step.Check(ClassName, Reader.Step);
        return Reader.Plan(this, _values, step);
    }

    /// <summary>Writes the configuration: the keys and values that were read, in their order.</summary>
    /// <param name="path">A file, or an existing folder that gets a <c>scheduler_config.json</c>.</param>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = File.Create(Directory.Exists(path) ? Path.Combine(path, "scheduler_config.json") : path);
        Write(file, ClassName);
    }

    /// <summary>The configuration as text.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        Write(stream, ClassName);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private void Write(Stream stream, string className)
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteString("_class_name", className);
        foreach (var (key, value) in _entries)
        {
            if (key == "_class_name") continue;
            writer.WritePropertyName(key);
            // An infinity goes back as the bare word that Python reads.
            if (value.ValueKind == JsonValueKind.String && PythonJson.IsInfinity(value.GetString())) writer.WriteRawValue(value.GetString()!, skipInputValidation: true);
            else value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private static KeyValuePair<string, JsonElement>[] Entries(string json, string source)
    {
        JsonElement root;
        try
        {
            root = ConfigurationText.Parse(PythonJson.QuoteInfinities(json));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{source} is not JSON: {error.Message}", error);
        }

        if (root.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{source} holds {root.ValueKind}; an object of scheduler settings is needed.");
        var entries = root.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value)).ToArray();
        var twice = entries.GroupBy(entry => entry.Key).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null) throw new InvalidDataException($"{source}: '{twice.Key}' is given {twice.Count()} times.");
        return entries;
    }
}
