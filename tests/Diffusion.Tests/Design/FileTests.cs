using System.Text.RegularExpressions;
using Xunit;

namespace Diffusion.Tests.Design;

/// <summary>What holds for the files of the sources, whoever compiles them.</summary>
public partial class FileTests
{
    private const int MostLines = 300;

    private static readonly string[] Folders = ["src", "tests", "samples", "benchmarks", "eng"];

    private static readonly Dictionary<string, string> LongForAReason = new()
    {
        ["tests/Diffusion.Tests/Laws/FlowClosedFormTests.cs"] = "the laws of one flow, which share its closed forms",
        ["tests/Diffusion.Tests/Training/TrainingRunTests.cs"] = "what one class promises, over one set of settings",
    };

    [Fact]
    public void NoFileIsLongWithoutAReason() =>
        Assert.Empty(Files().Where(file => file.Text.AsSpan().Count('\n') > MostLines && !LongForAReason.ContainsKey(file.Name)).Select(file => file.Name));

    [Fact]
    public void NoReasonIsLeftOver()
    {
        foreach (var (name, reason) in LongForAReason)
            Assert.True(File.ReadAllText(Repository.PathOf(name)).AsSpan().Count('\n') > MostLines, $"{name} is not long any more; its reason ({reason}) can go.");
    }

    // Libraries are checked as assemblies (TypeTests); programs are not loaded here, and benchmarks must be open to be run.
    [Fact]
    public void EveryClassOfTheProgramsIsAbstractSealedOrStatic() =>
        Assert.Empty(Files().Where(file => !file.Name.StartsWith("src/", StringComparison.Ordinal) && !file.Name.StartsWith("tests/Diffusion.Tests/", StringComparison.Ordinal) && !file.Text.Contains("[Benchmark", StringComparison.Ordinal))
            .SelectMany(file => OpenClass().Matches(file.Text).Select(match => $"{file.Name}: {match.Value.Trim()}")));

    [Fact]
    public void NothingIsLeftToDo() =>
        Assert.Empty(Files().Where(file => !file.Name.EndsWith("/FileTests.cs", StringComparison.Ordinal))
            .SelectMany(file => Reminder().Matches(file.Text).Select(match => $"{file.Name}: {match.Value}")));

    private static IEnumerable<(string Name, string Text)> Files()
    {
        foreach (var folder in Folders)
            foreach (var path in Directory.GetFiles(Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories))
            {
                var name = Path.GetRelativePath(Repository.Root, path).Replace('\\', '/');
                if (!name.Contains("/obj/", StringComparison.Ordinal) && !name.Contains("/bin/", StringComparison.Ordinal)) yield return (name, File.ReadAllText(path));
            }
    }

    [GeneratedRegex(@"^[ \t]*(?:(?:public|internal|private|protected|file|partial)[ \t]+)*(?:class|record(?![ \t]+struct))[ \t]+\w+", RegexOptions.Multiline)]
    private static partial Regex OpenClass();

    [GeneratedRegex(@"\b(?:TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Reminder();
}
