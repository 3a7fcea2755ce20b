using System.Text.RegularExpressions;
using Xunit;

namespace Diffusion.Tests.Guide;

/// <summary>All C# in README.md and docs/ compiles without warnings, runs, prints what it is said to print, and leaves no tensor behind.</summary>
public partial class GuideTests
{
    private static readonly string[] _chapters =
    [
        "first-model", "schedules", "samplers", "parameterizations", "guidance", "flows", "likelihood", "own-data", "own-network", "memory", "threads", "speed", "checkpoints",
        "troubleshooting", "from-python",
    ];

    public static TheoryData<string> Pages => new(WithCode());

    [Theory]
    [MemberData(nameof(Pages))]
    public void EveryBlockRuns(string page)
    {
        foreach (var blocks in ProgramsOf(page)) Run(blocks);
    }

    [Fact]
    public void EveryChapterHasCode()
    {
        var pages = WithCode();
        Assert.All(_chapters, chapter => Assert.Contains($"docs/guide/{chapter}.md", pages));
        Assert.Contains("README.md", pages);
    }

    [Fact]
    public void TheChapterOnSamplersQuotesTheMeasuredTable()
    {
        static string[] Cells(string row) => [.. row.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];
        static string[] Rows(string page) => [.. File.ReadAllLines(Repository.PathOf(page.Split('/'))).Where(line => line.StartsWith("| ", StringComparison.Ordinal))];
        var measured = Rows("docs/samplers.md").Select(Cells).Where(cells => cells.Length == 9).ToLookup(cells => cells[^1]);
        var quoted = Rows("docs/guide/samplers.md").Select(Cells).Where(cells => cells.Length == 7 && cells[^1].StartsWith('`')).ToArray();
        Assert.NotEmpty(quoted);
        foreach (var row in quoted)
        {
            var whole = Assert.Single(measured[row[^1]]);
            Assert.Equal([whole[2], whole[3], whole[4], whole[6], whole[7].Split('(', ')')[1], whole[8]], row[1..]);
        }
    }

    [Theory]
    [InlineData("var x = y;", "page.md:3: CS0103")]
    [InlineData("string? a = null;\nConsole.WriteLine(a.Length);", "page.md:4: CS8602")] // a warning
    [InlineData("Console.WriteLine(1", "page.md:3: ")]
    [InlineData("\nif (Environment.ProcessId > 0) throw new ArgumentException(\"bad\");", "page.md:4: ArgumentException: bad")]
    public void AFaultNamesPageAndLine(string code, string message)
    {
        var error = Assert.Throws<InvalidDataException>(() => Run(Assert.Single(GuidePage.Programs("page.md", $"# Title\n```csharp\n{code}\n```\n"))));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ab\n4", true)]
    [InlineData("a…\n4", true)]
    [InlineData("…b\n…", true)]
    [InlineData("ab\n5", false)]
    [InlineData("ab", false)]
    [InlineData("b…\n4", false)]
    public void TheTextAfterABlockIsWhatItPrints(string text, bool right)
    {
        var page = $"```csharp\nConsole.WriteLine(\"ab\");\nConsole.WriteLine(2 + 2);\n```\n\n```text\n{text}\n```\n";
        var error = Record.Exception(() => Run(Assert.Single(GuidePage.Programs("page.md", page))));
        if (right) Assert.Null(error);
        else Assert.StartsWith("page.md:2: the page says", Assert.IsType<InvalidDataException>(error).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("```cs\n```")]
    [InlineData("<!-- guide: skip -->\n```csharp\n```")]
    [InlineData("<!-- guide: compile only: because -->\ntext\n```csharp\n```")]
    [InlineData("<!-- guide: compile only: because -->")]
    [InlineData("<!-- guide: compile only: because -->\n```bash\n```")]
    [InlineData("<!-- guide: replace\n5 => 6\n-->\n```csharp\nvar four = 4;\n```")]
    public void NothingIsSkippedSilently(string page) => Assert.Throws<InvalidDataException>(() => GuidePage.Programs("page.md", page));

    [Fact]
    public void BlocksBuildOnEachOther()
    {
        const string Page = """
            <!-- guide: prelude
            var hidden = 2;
            -->
            <!-- guide: replace
            1000 => 3
            -->
            ```csharp
            using System.Text;
            var count = 1000 * hidden + Six.Value;
            ```
            words
            ```csharp
            Console.WriteLine(new StringBuilder().Append(count));
            sealed class Six { public static int Value => 6; }
            ```
            ```text
            12
            ```
            <!-- guide: compile only: it never ends -->
            ```csharp
            while (true) Thread.Sleep(1000);
            ```
            <!-- guide: new program -->
            ```csharp
            var count = "another";
            Console.WriteLine(count);
            ```
            ```text
            another
            ```
            """;
        var programs = GuidePage.Programs("page.md", Page);
        Assert.Equal(2, programs.Count);
        foreach (var blocks in programs) Run(blocks);
    }

    private static void Run(IReadOnlyList<GuideBlock> blocks)
    {
        using var folder = new TemporaryFolder();
        var program = GuideProgram.Compile(blocks);
        var before = LiveTensors.Count();
        program.Run(folder.Path);
        // TorchSharp counts each parameter of a network as one tensor more for ever, so only programs without networks can be looked at.
        if (!blocks.Any(block => MakesNetwork().IsMatch(block.Code))) Assert.Equal(before, LiveTensors.Count());
    }

    private static string[] WithCode() => [.. AllPages().Where(page => ProgramsOf(page).Count > 0)];

    private static IEnumerable<string> AllPages()
    {
        yield return "README.md";
        var docs = Repository.PathOf("docs");
        foreach (var file in Directory.EnumerateFiles(docs, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var page = Path.GetRelativePath(Repository.Root, file).Replace('\\', '/');
            // The reference of the API is made of the sources' comments: signatures, not programs. What begins with a dot is the site's.
            if (!page.StartsWith("docs/api/", StringComparison.Ordinal) && !page.Contains("/.", StringComparison.Ordinal) && !page.Contains("/node_modules/", StringComparison.Ordinal)) yield return page;
        }
    }

    // The first page of the repository has no comments in it; what it needs is beside this test.
    private static IReadOnlyList<IReadOnlyList<GuideBlock>> ProgramsOf(string page) => GuidePage.Programs(
        page, File.ReadAllText(Repository.PathOf(page)), page == "README.md" ? File.ReadAllText(Repository.PathOf("tests", "Diffusion.Tests", "Guide", "ReadmeSetting.md")) : "");

    [GeneratedRegex(@"\bnew (Mlp|UNet|\w*Network)\(|\bLoad\(")]
    private static partial Regex MakesNetwork();
}
