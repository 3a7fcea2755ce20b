namespace Diffusion.SamplerTable;

/// <summary>The command: measures, and writes or checks the page.</summary>
public static class Command
{
    /// <summary>Runs it.</summary>
    /// <param name="args"><c>--check</c>, <c>--only NAME;NAME…</c> (with <c>--check</c>), <c>--docs FOLDER</c>.</param>
    /// <param name="output">Where it says what it does.</param>
    /// <returns>0; 1 where a table is not what the page says; 2 for a wrong argument.</returns>
    public static int Run(string[] args, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(output);
        var (check, only, docs) = (false, default(string[]), "docs");
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--check") check = true;
            else if (args[i] == "--only" && i + 1 < args.Length) only = args[++i].Split(';');
            else if (args[i] == "--docs" && i + 1 < args.Length) docs = args[++i];
            else return Usage(output);
        }

        var path = Path.Combine(docs, "samplers.md");
        if ((only is not null && !check) || !File.Exists(path)) return Usage(output);
        using var measurement = new Measurement();
        var (rows, adaptive) = (new List<Row>(), new List<AdaptiveRow>());
        foreach (var entry in Measurement.Entries(only))
        {
            rows.Add(measurement.Of(entry));
            output.WriteLine(rows[^1]);
        }

        foreach (var (name, make) in Measurement.Adaptive(only)) adaptive.AddRange(measurement.Of(name, make));
        if (only is not null && only.Except(rows.Select(row => row.Name).Concat(adaptive.Select(row => row.Name))).ToArray() is [var unknown, ..])
        {
            output.WriteLine($"There is no sampler '{unknown}' in the catalogue.");
            return 2;
        }

        var page = new Page(File.ReadAllText(path));
        if (check) return Differences(page, rows, adaptive, output);
        File.WriteAllText(path, page.With(rows, adaptive, measurement.NoiseFloor()));
        Figure.Write(rows, Path.Combine(docs, "samplers.png"));
        output.WriteLine($"Wrote {path} and the figure beside it.");
        return 0;
    }

    private static int Differences(Page page, List<Row> rows, List<AdaptiveRow> adaptive, TextWriter output)
    {
        var missing = rows.Select(Page.Line).Concat(adaptive.Select(Page.Line)).Where(line => !page.Says(line)).ToList();
        foreach (var line in missing) output.WriteLine($"The page does not say: {line}");
        output.WriteLine(missing.Count == 0 ? "The page says what was measured." : "Write it anew: dotnet run -c Release --project benchmarks/Diffusion.SamplerTable");
        return missing.Count == 0 ? 0 : 1;
    }

    private static int Usage(TextWriter output)
    {
        output.WriteLine("usage, in the root of the repository: Diffusion.SamplerTable [--check [--only NAME;NAME…]] [--docs FOLDER with samplers.md]");
        return 2;
    }
}
