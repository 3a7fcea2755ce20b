using Diffusion.SamplerTable;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The table of docs/samplers.md is what its command measures.</summary>
public class SamplerTableTests
{
    private const string Some = "DDIM;PNDM;UniPC 2;DPM++ SDE;SA-Solver tau 0.5;Dormand-Prince";

    private static readonly string _docs = Repository.PathOf("docs");

    [Fact]
    public void ThePageSaysWhatIsMeasured()
    {
        var report = new StringWriter();
        Assert.True(Command.Run(["--check", "--only", Some, "--docs", _docs], report) == 0, report.ToString());
    }

    [Fact]
    public void AnotherNumberOnThePageIsFound()
    {
        using var folder = new TemporaryFolder();
        var page = File.ReadAllText(Path.Combine(_docs, "samplers.md"));
        var line = page.Split('\n').Single(line => line.StartsWith("| UniPC 2 |", StringComparison.Ordinal));
        File.WriteAllText(folder.File("samplers.md"), page.Replace(line, line.Replace("e-3", "e-4", StringComparison.Ordinal), StringComparison.Ordinal));
        var report = new StringWriter();
        Assert.Equal(1, Command.Run(["--check", "--only", "UniPC 2", "--docs", folder.Path], report));
        Assert.Contains(line, report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void EverySamplerHasARow()
    {
        var page = File.ReadAllText(Path.Combine(_docs, "samplers.md"));
        Assert.All(SamplerCatalogue.All, entry => Assert.Contains($"| {entry.Name} |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void ASamplerThatIsNotInTheCatalogueIsNamed()
    {
        var report = new StringWriter();
        Assert.Equal(2, Command.Run(["--check", "--only", "Eular", "--docs", _docs], report));
        Assert.Contains("Eular", report.ToString(), StringComparison.Ordinal);
    }
}
