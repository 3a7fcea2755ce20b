using System.Globalization;
using System.Text;

namespace Mutation;

/// <summary>The outcome as text: a table of files, then the survivors.</summary>
internal static class Report
{
    /// <summary>The share of the mutants that must be killed.</summary>
    public const double Target = 0.85;

    /// <summary>Writes the report; whether the target is met and every survivor explained.</summary>
    /// <param name="path">The file to write; its summary also goes to the console.</param>
    /// <param name="outcomes">The mutants that were tried.</param>
    /// <param name="survivors">The explained ones.</param>
    /// <param name="what">What was run, in words.</param>
    public static bool Write(string path, IReadOnlyList<(Mutant Mutant, Outcome Outcome)> outcomes, Survivors survivors, string what)
    {
        var text = new StringBuilder().AppendLine("# Mutation testing").AppendLine().AppendLine(what).AppendLine();
        text.AppendLine("| file | mutants | killed | survived | not covered | killed, % |").AppendLine("| --- | --- | --- | --- | --- | --- |");
        foreach (var folder in outcomes.GroupBy(pair => Path.GetDirectoryName(pair.Mutant.File)!))
        {
            foreach (var file in folder.GroupBy(pair => pair.Mutant.File)) text.AppendLine(Row(file.Key, [.. file.Select(pair => pair.Outcome)]));
            text.AppendLine(Row($"**{folder.Key}**", [.. folder.Select(pair => pair.Outcome)]));
        }

        var total = Row("**all**", [.. outcomes.Select(pair => pair.Outcome)]);
        var left = outcomes.Where(pair => pair.Outcome.Fate != Fate.Killed).ToArray();
        var unexplained = left.Where(pair => !survivors.Explains(pair.Mutant)).ToArray();
        text.AppendLine(total).AppendLine().AppendLine("Survivors without a reason in survivors.md:").AppendLine().AppendLine("| place | code | change | fate |").AppendLine("| --- | --- | --- | --- |");
        foreach (var (mutant, outcome) in unexplained) text.AppendLine(CultureInfo.InvariantCulture, $"{Survivors.Row(mutant)} {(outcome.Fate == Fate.Survived ? "survived" : "not covered")} |");
        text.AppendLine().AppendLine("Survivors with a reason there:").AppendLine().AppendLine("| place | code | change |").AppendLine("| --- | --- | --- |");
        foreach (var (mutant, _) in left.Except(unexplained)) text.AppendLine(Survivors.Row(mutant));
        File.WriteAllText(path, text.ToString());
        Console.WriteLine(what);
        Console.WriteLine(total);
        Console.WriteLine($"{left.Length} survivors, {unexplained.Length} of them without a reason in survivors.md. The report is {path}.");
        return unexplained.Length == 0 && left.Length <= (1 - Target) * outcomes.Count;
    }

    private static string Row(string name, IReadOnlyCollection<Outcome> outcomes)
    {
        int Count(Fate fate) => outcomes.Count(outcome => outcome.Fate == fate);
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {outcomes.Count} | {Count(Fate.Killed)} | {Count(Fate.Survived)} | {Count(Fate.NotCovered)} | {100.0 * Count(Fate.Killed) / outcomes.Count:f1} |");
    }
}
