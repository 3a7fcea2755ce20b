using System.Text;

namespace Diffusion.Tests.Hostile;

/// <summary>The rules of the readers, taken from their sources: every sentence that a source file can say is a rule, known by its longest part that never changes.</summary>
internal static class ValidationRules
{
    private const int LeastLength = 10;

    /// <summary>The fixed parts of the sentences in a source file of src, in order.</summary>
    public static IReadOnlyList<string> Of(params string[] path)
    {
        var rules = new List<string>();
        foreach (var pieces in Literals(File.ReadAllText(Repository.PathOf(["src", .. path]))))
        {
            var longest = pieces.Select(piece => piece.Trim()).MaxBy(piece => piece.Length)!;
            if (longest.Length >= LeastLength && longest.Contains(' ', StringComparison.Ordinal)) rules.Add(longest);
        }

        return rules;
    }

    // Each string literal as the pieces between its holes. Comments are passed over; raw and verbatim strings do not occur in the readers.
    private static IEnumerable<List<string>> Literals(string source)
    {
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i] == '/' && i + 1 < source.Length && source[i + 1] == '/') i = source.IndexOf('\n', i) is var end and >= 0 ? end : source.Length;
            else if (source[i] == '\'') i = EndOfCharacter(source, i);
            else if (source[i] == '"')
            {
                var pieces = new List<string>();
                i = Literal(source, i + 1, interpolated: i > 0 && source[i - 1] == '$', pieces);
                yield return pieces;
            }
        }
    }

    private static int Literal(string source, int i, bool interpolated, List<string> pieces)
    {
        var piece = new StringBuilder();
        for (; source[i] != '"'; i++)
        {
            if (source[i] == '\\') piece.Append(source[++i]);
            else if (interpolated && source[i] is '{' or '}' && source[i + 1] == source[i]) piece.Append(source[i++]);
            else if (interpolated && source[i] == '{')
            {
                pieces.Add(piece.ToString());
                piece.Clear();
                i = Hole(source, i + 1);
            }
            else piece.Append(source[i]);
        }

        pieces.Add(piece.ToString());
        return i;
    }

    private static int Hole(string source, int i)
    {
        for (var depth = 1; ; i++)
        {
            if (source[i] == '"') i = Literal(source, i + 1, source[i - 1] == '$', []);
            else if (source[i] == '\'') i = EndOfCharacter(source, i);
            else if (source[i] == '{') depth++;
            else if (source[i] == '}' && --depth == 0) return i;
        }
    }

    private static int EndOfCharacter(string source, int i) => source[i + 1] == '\\' ? i + 3 : i + 2;
}
