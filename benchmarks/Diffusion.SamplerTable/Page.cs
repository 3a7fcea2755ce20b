using System.Globalization;

namespace Diffusion.SamplerTable;

/// <summary>docs/samplers.md: text by hand, with tables between marks that the command replaces.</summary>
/// <param name="text">The page as it is.</param>
internal sealed class Page(string text)
{
    private const string Header = "| sampler | 5 steps | 10 | 20 | 50 | 100 | evaluations | order | in code |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

    private readonly HashSet<string> _lines = [.. text.Split('\n').Select(line => line.TrimEnd('\r'))];

    /// <summary>Whether the page has a line.</summary>
    public bool Says(string line) => _lines.Contains(line);

    /// <summary>The page with other tables.</summary>
    public string With(IReadOnlyList<Row> rows, IReadOnlyList<AdaptiveRow> adaptive, double floor)
    {
        var page = Replace(text, "flow", Header + string.Concat(rows.Where(row => !row.DrawsNoise).Select(row => Line(row) + "\n")));
        page = Replace(page, "noise", Header + string.Concat(rows.Where(row => row.DrawsNoise).Select(row => Line(row) + "\n")));
        page = Replace(page, "adaptive", "| solver | tolerance | error | evaluations |\n| --- | --- | --- | --- |\n" + string.Concat(adaptive.Select(row => Line(row) + "\n")));
        return Replace(page, "floor", $"After 2000 steps of DPM++ 2M SDE the distance is {Number(floor)}: what the noise leaves, and no error of a sampler can be told from it below that.\n");
    }

    /// <summary>A sampler's line.</summary>
    public static string Line(Row row) =>
        $"| {row.Name} | {string.Join(" | ", row.Errors.Select(Number))} | {Evaluations(row.Evaluations)} | {Order(row)} | `{row.Code}` |";

    /// <summary>A line of an adaptive solver.</summary>
    public static string Line(AdaptiveRow row) => $"| {row.Name} | {row.Tolerance.ToString("0e0", CultureInfo.InvariantCulture)} | {Number(row.Error)} | {row.Evaluations} |";

    // Two digits; rounding is not shown as if it were an error.
    private static string Number(double error) => error < 1e-10 ? "< 1e-10" : error < 1e-2 ? error.ToString("0.0e0", CultureInfo.InvariantCulture)
        : error < 0.1 ? error.ToString("0.000", CultureInfo.InvariantCulture) : error.ToString(error < 9.95 ? "0.00" : "0", CultureInfo.InvariantCulture);

    private static string Evaluations(int[] counts)
    {
        var factor = counts[0] / Measurement.Steps[0];
        return counts.Zip(Measurement.Steps).All(pair => pair.First == factor * pair.Second) ? (factor == 1 ? "steps" : $"{factor} × steps") : string.Join(", ", counts);
    }

    private static string Order(Row row) => row.Order is not { } order ? "–" : string.Create(CultureInfo.InvariantCulture, $"{order:0.0} ({row.Claimed:0})");

    private static string Replace(string page, string name, string content)
    {
        var (begin, end) = ($"<!-- {name}: written by benchmarks/Diffusion.SamplerTable -->\n", $"<!-- end of {name} -->");
        var (from, to) = (page.IndexOf(begin, StringComparison.Ordinal), page.IndexOf(end, StringComparison.Ordinal));
        if (from < 0 || to < from) throw new InvalidDataException($"The page has no part between '{begin.Trim()}' and '{end}'.");
        return string.Concat(page.AsSpan(0, from + begin.Length), content, page.AsSpan(to));
    }
}
