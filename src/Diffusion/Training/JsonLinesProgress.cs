using System.Text.Json;

namespace Diffusion.Training;

/// <summary>
/// Appends each report to a file as one line of JSON, for plotting and for programs. A run that resumes goes on in the same file: lines of steps that it takes again
/// are cut off first, and so is a line that a killed process left unfinished, so that every step appears once.
/// </summary>
/// <remarks>
/// Fields: <c>step</c>, <c>steps</c>, <c>loss</c>, <c>gradientNorm</c>, <c>learningRate</c>, <c>samplesPerSecond</c>, <c>elapsedSeconds</c>,
/// <c>remainingSeconds</c>, <c>skipped</c>, <c>buckets</c> (<c>from</c>, <c>to</c>, <c>samples</c>, <c>loss</c>, <c>floor</c>) and, where a step was not finite,
/// <c>nonFinite</c> (<c>step</c>, <c>module</c>, <c>parameter</c>, <c>explanation</c>). Numbers that are unknown or not finite are null. Each line reaches the operating
/// system as it is reported. Owns the file; for one thread at a time.
/// </remarks>
public sealed class JsonLinesProgress : IProgress<TrainingProgress>, IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private long _lastStep;

    /// <summary>Opens the file, or makes it and its folder.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is there and holds something else; it is left as it is.</exception>
    /// <exception cref="IOException">The file cannot be opened or written.</exception>
    public JsonLinesProgress(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            Cut(long.MaxValue);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The line cannot be written.</exception>
    public void Report(TrainingProgress value)
    {
        if (value.Step <= _lastStep) Cut(value.Step);
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line)) Write(json, value);
        line.WriteByte((byte)'\n');
        _file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        _file.Flush();
        _lastStep = value.Step;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // Keeps the complete lines of steps before a step; the file then stands at its end.
    private void Cut(long before)
    {
        _file.Position = 0;
        (long kept, _lastStep) = (0, -1);
        var content = new List<byte>();
        var number = 0;
        while (ReadLine(content))
        {
            var step = StepOf(content, ++number);
            if (step >= before) break;
            (kept, _lastStep) = (kept + content.Count + 1, step);
        }

        _file.SetLength(kept);
        _file.Position = kept;
    }

    private bool ReadLine(List<byte> line)
    {
        line.Clear();
        for (int next; (next = _file.ReadByte()) >= 0;)
        {
            if (next == '\n') return true;
            line.Add((byte)next);
        }

        if (line.Count > 0 && line[0] != '{') throw new InvalidDataException($"'{_path}' ends in something that is not a report. Name another file.");
        return false; // nothing, or a line without its end
    }

    private long StepOf(List<byte> line, int number)
    {
        try
        {
            using var json = JsonDocument.Parse(line.ToArray());
            return json.RootElement.GetProperty("step").GetInt64();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"Line {number} of '{_path}' is not a report of a training run: {error.Message} Name another file.", error);
        }
    }

    private static void Write(Utf8JsonWriter json, TrainingProgress value)
    {
        void Number(string name, double? number)
        {
            if (number is { } n && double.IsFinite(n)) json.WriteNumber(name, n);
            else json.WriteNull(name);
        }

        json.WriteStartObject();
        json.WriteNumber("step", value.Step);
        Number("steps", value.Steps);
        Number("loss", value.Loss);
        Number("gradientNorm", value.GradientNorm);
        Number("learningRate", value.LearningRate);
        Number("samplesPerSecond", value.SamplesPerSecond);
        Number("elapsedSeconds", value.Elapsed.TotalSeconds);
        Number("remainingSeconds", value.Remaining?.TotalSeconds);
        json.WriteNumber("skipped", value.Skipped);
        json.WriteStartArray("buckets");
        foreach (var bucket in value.Buckets)
        {
            json.WriteStartObject();
            json.WriteNumber("from", bucket.From);
            json.WriteNumber("to", bucket.To);
            json.WriteNumber("samples", bucket.Samples);
            Number("loss", bucket.Loss);
            Number("floor", bucket.Floor);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (value.NonFinite is { } failure)
        {
            json.WriteStartObject("nonFinite");
            json.WriteNumber("step", failure.Step);
            json.WriteString("module", failure.Module);
            json.WriteString("parameter", failure.Parameter);
            json.WriteString("explanation", failure.Explanation);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
