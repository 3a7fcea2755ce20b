using System.Text.RegularExpressions;
using Xunit;

namespace Diffusion.Tests.Design;

/// <summary>Who may use whom among the folders of the core, read off its sources.</summary>
public partial class LayeringTests
{
    // The root folder may be used by all and uses none. A folder that is not listed may be used by nobody.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [""] = [],
        ["Schedules"] = [],
        ["Operators"] = [],
        ["Denoisers"] = ["Operators"],
        ["Integration"] = [],
        ["Dynamics"] = [],
        ["Data"] = [],
        ["Samplers"] = ["Integration", "Operators"],
        ["Evaluation"] = ["Integration"],
        ["Checkpoints"] = ["Schedules", "Denoisers", "Samplers"],
        ["Networks"] = ["Checkpoints"],
        ["Training"] = ["Data", "Checkpoints", "Schedules"],
        ["Pipelines"] = ["Schedules", "Operators", "Denoisers", "Integration", "Dynamics", "Data", "Samplers", "Evaluation", "Checkpoints", "Networks", "Training"],
    };

    public static TheoryData<string> Folders() => [.. Sources().Select(source => source.Folder).Distinct()];

    [Theory]
    [MemberData(nameof(Folders))]
    public void AFolderUsesOnlyWhatLiesBelowIt(string folder)
    {
        Assert.True(Allowed.ContainsKey(folder), $"{folder} has no place in the layers yet.");
        foreach (var (of, path, text) in Sources())
        {
            if (of != folder) continue;
            foreach (Match match in Used().Matches(text))
            {
                var used = match.Groups[1].Value;
                if (used != folder && Allowed.ContainsKey(used)) Assert.True(Allowed[folder].Contains(used), $"{path} uses Diffusion.{used}.");
            }
        }
    }

    // Image files are data: nothing of networks, samplers or training.
    [Fact]
    public void ImagingUsesDataAndCheckpointsAlone()
    {
        string[] allowed = ["Imaging", "Data", "Checkpoints"];
        foreach (var (path, text) in Files(Repository.PathOf("src", "Diffusion.Imaging")))
            foreach (Match match in Used().Matches(text))
                if (Allowed.ContainsKey(match.Groups[1].Value)) Assert.True(allowed.Contains(match.Groups[1].Value), $"{path} uses {match.Value}.");
    }

    [Fact]
    public void TheCoreDependsOnTorchSharpAndLoggingAlone()
    {
        var project = File.ReadAllText(Repository.PathOf("src", "Diffusion", "Diffusion.csproj"));
        var packages = Package().Matches(project).Select(match => match.Groups[1].Value);
        Assert.Equal(["Microsoft.Extensions.Logging.Abstractions", "TorchSharp"], packages.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("samples")]
    [InlineData("benchmarks")]
    public void ProgramsUseThePublicSurfaceAlone(string folder)
    {
        foreach (var project in Directory.GetFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories))
            foreach (var program in Directory.GetDirectories(Repository.PathOf(folder)))
                Assert.DoesNotContain($"InternalsVisibleTo Include=\"{Path.GetFileName(program)}\"", File.ReadAllText(project), StringComparison.Ordinal);
    }

    private static IEnumerable<(string Folder, string Path, string Text)> Sources()
    {
        var root = Repository.PathOf("src", "Diffusion");
        foreach (var (path, text) in Files(root))
        {
            var parts = Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar);
            yield return (parts.Length == 1 ? "" : parts[0], path, text);
        }
    }

    private static IEnumerable<(string Path, string Text)> Files(string root) => Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories)
        .Where(path => Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar)[0] is not ("obj" or "bin" or "buildTransitive"))
        .Select(path => (path, File.ReadAllText(path)));

    [GeneratedRegex(@"(?<!namespace )\bDiffusion\.([A-Z][A-Za-z]+)")]
    private static partial Regex Used();

    [GeneratedRegex("PackageReference Include=\"([^\"]+)\"")]
    private static partial Regex Package();
}
