using System.Text.Json;
using System.Text.Json.Nodes;

namespace Diffusion.Checkpoints;

/// <summary>
/// What a folder of weights must say besides the network's own configuration, so that it can be sampled: the schedule, what the output
/// means, and the shape and classes of the data. The file model.json of a model folder.
/// </summary>
/// <param name="schedule">The schedule that the network was trained on.</param>
/// <param name="parameterization">What its output means.</param>
/// <param name="sampleShape">Shape of one sample without the batch axis, each length positive, together at most 2 GiB of float32.</param>
public sealed class ModelDescription(NoiseSchedule schedule, Parameterization parameterization, params long[] sampleShape)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "model.json";

    private readonly long[] _sampleShape = CheckShape(sampleShape);

    /// <summary>The schedule that the network was trained on.</summary>
    public NoiseSchedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <summary>What the network's output means.</summary>
    public Parameterization Parameterization { get; } = parameterization ?? throw new ArgumentNullException(nameof(parameterization));

    /// <summary>Shape of one sample without the batch axis.</summary>
    public IReadOnlyList<long> SampleShape => _sampleShape;

    /// <summary>Names of the classes, in the order of their labels; empty for an unconditional model.</summary>
    public IReadOnlyList<string> ClassNames { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The label that stands for "no class"; null where the condition was never dropped in training, so that guidance is impossible.</summary>
    public long? NullClass { get; init; }

    /// <summary>The data lies in [−DataRange, DataRange] and estimates are clipped to it; null for data without bounds.</summary>
    public double? DataRange { get; init; }

    /// <summary>Reads a description.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InvalidDataException">The file is no description; the message names the file and the key.</exception>
    public static ModelDescription Read(string file)
    {
        var settings = JsonSettings.ReadFile(file);
        if (settings.Text("format") != "diffusion-model") throw settings.Fault("format", "must be \"diffusion-model\"");
        if (settings.Integer("version") is var version and not 1) throw settings.Fault("version", $"is {version}; this library reads version 1");
        var schedule = ScheduleFormat.Read(settings.Object("schedule"));
        var parameterization = ParameterizationFormat.Read(settings.Object("parameterization"));
        var shape = settings.Integers("sampleShape");
        var names = settings.Has("classNames") ? settings.Texts("classNames") : [];
        long? nullClass = settings.Has("nullClass") ? settings.Integer("nullClass") : null;
        double? range = settings.Has("dataRange") ? settings.Number("dataRange") : null;
        settings.Finish();
        if (range is <= 0) throw settings.Fault("dataRange", "must be positive");
        try
        {
            return new ModelDescription(schedule, parameterization, shape) { ClassNames = names, NullClass = nullClass, DataRange = range };
        }
        catch (ArgumentException error)
        {
            throw settings.Fault("sampleShape", error.Message);
        }
    }

    /// <summary>Writes the description to a file, whole or not at all.</summary>
    /// <exception cref="NotSupportedException">The schedule is not one of the library's own.</exception>
    public void Write(string file)
    {
        var json = new JsonObject
        {
            ["format"] = "diffusion-model",
            ["version"] = 1,
            ["schedule"] = ScheduleFormat.Write(Schedule),
            ["parameterization"] = ParameterizationFormat.Write(Parameterization),
            ["sampleShape"] = new JsonArray([.. _sampleShape.Select(length => JsonValue.Create(length))]),
        };
        if (ClassNames.Count > 0) json["classNames"] = new JsonArray([.. ClassNames.Select(name => JsonValue.Create(name))]);
        if (NullClass is { } nullClass) json["nullClass"] = nullClass;
        if (DataRange is { } range) json["dataRange"] = range;
        AtomicFile.WriteText(file, json.ToJsonString(Indented) + "\n");
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static long[] CheckShape(long[] sampleShape)
    {
        ArgumentNullException.ThrowIfNull(sampleShape);
        if (sampleShape.Length == 0 || sampleShape.Any(length => length < 1))
            throw new ArgumentException($"The shape of a sample is [{string.Join(", ", sampleShape)}]; at least one length is needed, each at least 1.", nameof(sampleShape));
        if (sampleShape.Aggregate((UInt128)sizeof(float), (product, length) => product > int.MaxValue ? product : product * (ulong)length) > int.MaxValue)
            throw new ArgumentException($"A sample of shape [{string.Join(", ", sampleShape)}] exceeds 2 GiB.", nameof(sampleShape));
        return (long[])sampleShape.Clone();
    }
}
