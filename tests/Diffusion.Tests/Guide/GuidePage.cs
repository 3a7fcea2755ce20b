using System.Text.RegularExpressions;

namespace Diffusion.Tests.Guide;

/// <summary>
/// The C# of a page. The blocks of a page are one program, in their order. A comment before a block may say more:
/// <code>
/// &lt;!-- guide: prelude
/// code that runs before the block and that readers do not see
/// --&gt;
/// &lt;!-- guide: replace
/// TimeSpan.FromMinutes(30) => TimeSpan.FromSeconds(0.1)
/// --&gt;
/// &lt;!-- guide: compile only: a reason --&gt;
/// &lt;!-- guide: new program --&gt;
/// </code>
/// A block of text right after one of C# is what that prints; … in it stands for anything.
/// </summary>
internal sealed partial class GuidePage
{
    private const string Code = "csharp", Output = "text";

    private readonly string _page;
    private readonly List<List<GuideBlock>> _programs = [];
    private readonly List<(int Line, string Text)> _pending = []; // directives that wait for their block
    private readonly List<(int Line, string Text)> _first = []; // directives for the first block, wherever it stands
    private GuideBlock? _last; // the block that a text block would belong to

    private GuidePage(string page) => _page = page;

    /// <summary>The programs of a page, each its blocks in order.</summary>
    /// <param name="page">What messages call the page.</param>
    /// <param name="text">The page.</param>
    /// <param name="setting">Comments that stand before its first block but not on the page.</param>
    public static IReadOnlyList<IReadOnlyList<GuideBlock>> Programs(string page, string text, string setting = "")
    {
        var reader = new GuidePage(page);
        reader.Read(setting.ReplaceLineEndings("\n").Split('\n'));
        reader._first.AddRange(reader._pending);
        reader._pending.Clear();
        reader.Read(text.ReplaceLineEndings("\n").Split('\n'));
        reader._pending.AddRange(reader._first);
        if (reader._pending.Count > 0) throw reader.Fault(reader._pending[0].Line, "a comment for a block, but no block follows");
        return reader._programs;
    }

    private void Read(string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].TrimStart().StartsWith("<!--", StringComparison.Ordinal))
            {
                var first = i;
                while (!lines[i].Contains("-->", StringComparison.Ordinal))
                    if (++i == lines.Length) throw Fault(first + 1, "a comment without an end");
                Comment(first + 1, string.Join('\n', lines[first..(i + 1)]).Trim());
            }
            else if (Fence().Match(lines[i]) is { Success: true } fence)
            {
                var first = i + 1;
                do
                    if (++i == lines.Length) throw Fault(first, "a block without an end");
                while (lines[i].Trim() != fence.Groups["marks"].Value);
                Block(fence.Groups["language"].Value, first + 1, lines[first..i]);
            }
            else if (lines[i].Trim().Length > 0)
            {
                if (_pending.Count > 0) throw Fault(_pending[0].Line, "a comment for a block, but text follows");
                _last = null;
            }
        }
    }

    private void Comment(int line, string comment)
    {
        var text = comment["<!--".Length..^"-->".Length].Trim();
        if (text.StartsWith("guide:", StringComparison.Ordinal)) _pending.Add((line, text["guide:".Length..].TrimStart()));
    }

    private void Block(string language, int line, string[] lines)
    {
        if (language is "cs" or "c#" or "C#") throw Fault(line - 1, $"a block of '{language}'; call it {Code}, so that it is compiled and run");
        if (language == Output && _last is not null) _last.Output = string.Join('\n', lines);
        _last = null;
        if (language != Code)
        {
            if (_pending.Count > 0) throw Fault(_pending[0].Line, $"a comment for a block of {Code}, but one of '{language}' follows");
            return;
        }

        var code = string.Join('\n', lines);
        string? whyNot = null;
        _pending.InsertRange(0, _first);
        _first.Clear();
        foreach (var (at, directive) in _pending)
        {
            if (directive == "new program") _programs.Add([]);
            else if (directive.StartsWith("prelude\n", StringComparison.Ordinal))
                Program.Add(new GuideBlock { Page = _page, Line = at + 1, Code = directive["prelude\n".Length..], Shown = false });
            else if (directive.StartsWith("replace\n", StringComparison.Ordinal)) code = Replaced(at, directive["replace\n".Length..], code);
            else if (directive.StartsWith("compile only: ", StringComparison.Ordinal)) whyNot = directive["compile only: ".Length..];
            else throw Fault(at, $"'{directive.Split('\n')[0]}' is no instruction for a block");
        }

        _pending.Clear();
        Program.Add(_last = new GuideBlock { Page = _page, Line = line, Code = code, WhyNotRun = whyNot });
    }

    private List<GuideBlock> Program
    {
        get
        {
            if (_programs.Count == 0) _programs.Add([]);
            return _programs[^1];
        }
    }

    private string Replaced(int line, string pairs, string code)
    {
        foreach (var pair in pairs.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.Split(" => ") is not [var from, var to]) throw Fault(line, $"'{pair}' is no replacement: 'this => that' is one");
            if (!code.Contains(from, StringComparison.Ordinal)) throw Fault(line, $"'{from}' is not in the block");
            code = code.Replace(from, to, StringComparison.Ordinal);
        }

        return code;
    }

    private InvalidDataException Fault(int line, string fault) => new($"{_page}:{line}: {fault}.");

    [GeneratedRegex(@"^\s*(?<marks>`{3,})(?<language>[^\s{]*)")]
    private static partial Regex Fence();
}
