using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>
/// What a checkpoint of a run holds: <c>weights.safetensors</c>, <c>average-N.safetensors</c> for each average (a whole network each, buffers included),
/// <c>optimizer.safetensors</c>, <c>objective.safetensors</c> where the objective learns something, and <c>run.json</c>.
/// </summary>
internal static class RunCheckpoint
{
    private const string Weights = "weights.safetensors", Optimizer = "optimizer.safetensors", Objective = "objective.safetensors", Run = "run.json";
    private const int Format = 1;
    private const long GreatestCount = 1L << 53; // of steps, epochs and updates: a thousand a second for three hundred thousand years, and exact as a double

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false };

    public static void Write(TrainingRun run, string folder)
    {
        StateDict.Save(run.Network, Path.Combine(folder, Weights));
        if (run.Objective.Module is { } module) StateDict.Save(module, Path.Combine(folder, Objective));
        for (var i = 0; i < run.Averages.Count; i++) SaveAverage(run, i, Path.Combine(folder, Average(i)), []);

        SafetensorsFile.Save(Path.Combine(folder, Optimizer), run.Optimizer.State.Select(entry => (entry.Key, entry.Value)));
        var position = run.Loader.Position;
        var record = new Record(
            Format, run.Step, run.Elapsed.TotalSeconds, run.Settings.Seed, position.Epoch, position.Batch, run.Loader.BatchesPerEpoch, [.. run.Loader.SampleShape],
            run.Settings.Accumulation, run.Optimizer.Rule.Name, [.. run.Averages.Select(a => a.Updates)]);
        AtomicFile.WriteText(Path.Combine(folder, Run), JsonSerializer.Serialize(record, Json));
    }

    /// <summary>Writes an average as a whole network: the averages, and the network's buffers as they are.</summary>
    public static void SaveAverage(TrainingRun run, int index, string path, Dictionary<string, string> metadata)
    {
        var values = run.Averages[index].Values;
        metadata["format"] = "pt";
        SafetensorsFile.Save(path, run.Network.state_dict().Select(entry => (entry.Key, values.TryGetValue(entry.Key, out var average) ? average : entry.Value)), metadata);
    }

    /// <summary>Restores a run. All files are opened and checked before anything is changed.</summary>
    public static void Read(TrainingRun run, string folder)
    {
        var record = ReadRecord(Path.Combine(folder, Run));
        Check(run, record, Path.Combine(folder, Run));
        var files = new List<SafetensorsFile>();
        SafetensorsFile Open(string name)
        {
            files.Add(SafetensorsFile.Open(Path.Combine(folder, name)));
            return files[^1];
        }

        try
        {
            var optimizer = Open(Optimizer);
            CheckFit(run.Optimizer.State, optimizer);
            var loads = new List<Action> { () => Copy(run.Optimizer.State, optimizer) };
            foreach (var (i, average) in run.Averages.Index())
            {
                var file = Open(Average(i));
                CheckFit(average.Values, file, others: true);
                loads.Add(() => Copy(average.Values, file));
            }

            if (run.Objective.Module is { } module) loads.Add(StateDict.Checked(module, Open(Objective)));
            loads.Add(StateDict.Checked(run.Network, Open(Weights)));
            foreach (var load in loads) load();
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }

        foreach (var (i, average) in run.Averages.Index()) average.Updates = record.AverageUpdates[i];

        run.Loader.Position = new LoaderPosition(record.Epoch, record.Batch);
        run.Step = record.Step;
        run.Elapsed = TimeSpan.FromSeconds(record.ElapsedSeconds);
    }

    private static string Average(int index) => $"average-{index}.safetensors";

    private static Record ReadRecord(string path)
    {
        try
        {
            var record = JsonSerializer.Deserialize<Record>(ConfigurationText.ReadBytes(path), Json) ?? throw new JsonException("it is empty");
            if (record.Format != Format) throw new InvalidDataException($"'{path}' has format {record.Format}; this version reads format {Format}.");
            if (record.Step is < 0 or > GreatestCount || !(record.ElapsedSeconds >= 0) || record.ElapsedSeconds > TimeSpan.MaxValue.TotalSeconds / 2)
                throw new InvalidDataException($"'{path}' has step {record.Step} and {record.ElapsedSeconds} seconds; neither may be negative or beyond all counting.");
            if (record.AverageUpdates.Any(updates => updates is < 0 or > GreatestCount))
                throw new InvalidDataException($"'{path}' has averages of {string.Join(", ", record.AverageUpdates)} updates; none may be negative or beyond all counting.");
            return record;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"'{path}' does not describe a training run: {error.Message}", error);
        }
    }

    // What is not the same would silently train something else than the uninterrupted run.
    private static void Check(TrainingRun run, Record record, string path)
    {
        void Same<T>(string what, T saved, T given)
        {
            if (!EqualityComparer<T>.Default.Equals(saved, given))
                throw new InvalidDataException($"'{path}' is of a run with {what} {saved}, but this one has {given}. Resume with the settings of the run, or begin a new one in another folder.");
        }

        Same("seed", record.Seed, run.Settings.Seed);
        Same("the update rule", record.Optimizer, run.Optimizer.Rule.Name);
        Same("a number of averages of", record.AverageUpdates.Length, run.Averages.Count);
        Same("an accumulation of", record.Accumulation, run.Settings.Accumulation);
        Same("batches an epoch of", record.BatchesPerEpoch, run.Loader.BatchesPerEpoch);
        Same("samples of shape", string.Join('×', record.SampleShape), string.Join('×', run.Loader.SampleShape));
        if (record.Epoch is < 0 or > GreatestCount || record.Batch < 0 || record.Batch >= record.BatchesPerEpoch) throw new InvalidDataException($"'{path}' stands at epoch {record.Epoch}, batch {record.Batch} of {record.BatchesPerEpoch}.");
    }

    private static void CheckFit(IReadOnlyDictionary<string, Tensor> targets, TensorFile file, bool others = false)
    {
        foreach (var (name, target) in targets)
            if (!file.Contains(name) || !file.Shape(name).SequenceEqual(target.shape) || file.DType(name) != target.dtype)
                throw new InvalidDataException($"'{file.Path}' does not hold '{name}' as {target.dtype} [{string.Join(", ", target.shape)}]: it is of another network or optimizer.");
        if (!others && file.Keys.FirstOrDefault(key => !targets.ContainsKey(key)) is { } extra)
            throw new InvalidDataException($"'{file.Path}' holds '{extra}', which this network or optimizer does not have.");
    }

    private static void Copy(IReadOnlyDictionary<string, Tensor> targets, TensorFile file)
    {
        using var gradients = no_grad();
        foreach (var (name, target) in targets)
        {
            using var value = file.Read(name);
            target.copy_(value);
        }
    }

    private sealed record Record(
        int Format, long Step, double ElapsedSeconds, long Seed, long Epoch, long Batch, long BatchesPerEpoch, long[] SampleShape, int Accumulation, string Optimizer, long[] AverageUpdates);
}
