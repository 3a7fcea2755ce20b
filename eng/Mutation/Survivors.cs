namespace Mutation;

/// <summary>The mutants that are known to survive, with the reason why each stays: the table of survivors.md. Line numbers in it are for readers.</summary>
internal sealed class Survivors
{
    private readonly HashSet<string> _explained = new(StringComparer.Ordinal);

    public Survivors(string path)
    {
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            // | file:line | `code` | change | reason |, with the bars of code written as &#124;
            var cells = line.Split('|').Select(cell => cell.Trim().Replace("&#124;", "|", StringComparison.Ordinal)).ToArray();
            if (cells is ["", var place, var code, var change, { Length: > 0 }, ""] && code.Length > 1 && code[0] == '`') _explained.Add($"{place.Split(':')[0]}|{code.Trim('`')}|{change.Trim('`')}");
        }
    }

    public bool Explains(Mutant mutant) => _explained.Contains(Name(mutant));

    /// <summary>Rows that name no mutant of their file any more: the code has changed, and the row goes with it.</summary>
    public IEnumerable<string> Outdated(IReadOnlyCollection<Mutant> mutants)
    {
        var (files, known) = (mutants.Select(mutant => mutant.File).ToHashSet(StringComparer.Ordinal), mutants.Select(Name).ToHashSet(StringComparer.Ordinal));
        return _explained.Where(row => files.Contains(row.Split('|')[0]) && !known.Contains(row));
    }

    /// <summary>A mutant's row of the table, but for the reason.</summary>
    public static string Row(Mutant mutant) => $"| {mutant.File}:{mutant.Line} | `{Cell(mutant.Code)}` | `{Cell(mutant.Change)}` |";

    private static string Name(Mutant mutant) => $"{mutant.File}|{Code(mutant.Code)}|{Code(mutant.Change)}";

    private static string Code(string text) => text.Replace('`', '\'');

    private static string Cell(string text) => Code(text).Replace("|", "&#124;", StringComparison.Ordinal);
}
