using System.Text.Json;

namespace Diffusion.Parity;

/// <summary>Finds the recorded cases below a folder, replays them and reports.</summary>
internal static class Replay
{
    /// <summary>Replays, writes a line a case and the counts, and says how the program should exit.</summary>
    public static int Run(string folder, bool requireAll, TextWriter output)
    {
        var counts = new int[3];
        foreach (var recorded in Find(folder))
        {
            var result = recorded.Run();
            counts[(int)result.Verdict]++;
            output.WriteLine(result);
        }

        output.WriteLine($"passed {counts[(int)Verdict.Passed]}, failed {counts[(int)Verdict.Failed]}, unsupported {counts[(int)Verdict.Unsupported]}");
        if (counts.Sum() == 0) return 2;
        return counts[(int)Verdict.Failed] > 0 || (requireAll && counts[(int)Verdict.Unsupported] > 0) ? 1 : 0;
    }

    /// <summary>Every case below a folder, in the order of names. A folder is known by the files that it holds.</summary>
    public static IEnumerable<RecordedCase> Find(string root)
    {
        var folders = Directory.EnumerateDirectories(root, "*", SearchOption.AllDirectories).Append(root).Order(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            var name = Path.GetRelativePath(root, folder).Replace('\\', '/');
            if (name == ".") name = new DirectoryInfo(folder).Name;
            foreach (var recorded in Cases(folder, name)) yield return recorded;
        }
    }

    private static IEnumerable<RecordedCase> Cases(string folder, string name)
    {
        var manifest = Path.Combine(folder, "manifest.json");
        if (File.Exists(manifest)) return Guarded(name, () => FromManifest(folder, name, Json(manifest)));
        if (File.Exists(Path.Combine(folder, "model_index.json"))) return [Unsupported(name, "pipelines are not replayed")];
        if (File.Exists(Path.Combine(folder, "cases.json"))) return [Unsupported(name, "tokenizers are not replayed")];
        var meta = Path.Combine(folder, "meta.json");
        return File.Exists(meta) ? Guarded(name, () => ModelCases.In(folder, name, Json(meta))) : [];
    }

    private static IEnumerable<RecordedCase> FromManifest(string folder, string name, JsonElement manifest)
    {
        if (manifest.TryGetProperty("scheduler", out _)) return SchedulerCases.In(folder, name, manifest);
        if (manifest.TryGetProperty("alphas_cumprod", out _)) return GridCases.In(folder, name, manifest);
        if (manifest.TryGetProperty("sigma_arrays", out _)) return KDiffusionCases.In(folder, name, manifest);
        if (manifest.TryGetProperty("entries", out _)) return TrainingCases.In(folder, name, manifest);
        if (manifest.TryGetProperty("tensors", out _)) return RandomCases.In(folder, name, manifest);
        throw new InvalidDataException("manifest.json is of no known kind");
    }

    // A folder that cannot even be listed is one failed case.
    private static IEnumerable<RecordedCase> Guarded(string name, Func<IEnumerable<RecordedCase>> list)
    {
        try
        {
            return [.. list()];
        }
        catch (Exception error) when (error is IOException or InvalidDataException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [new RecordedCase(name, _ => throw new InvalidDataException(error.Message))];
        }
    }

    private static RecordedCase Unsupported(string name, string why) => new(name, _ => throw new UnsupportedException(why));

    private static JsonElement Json(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }
}
