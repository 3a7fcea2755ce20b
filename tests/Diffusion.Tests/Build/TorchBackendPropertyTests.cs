using System.Text.Json;
using Xunit;

namespace Diffusion.Tests.Build;

public class TorchBackendPropertyTests
{
    public static TheoryData<string> Programs => [.. new[] { "tests", "benchmarks", "samples" }
        .Select(folder => Repository.PathOf(folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
        .Select(project => Path.GetRelativePath(Repository.Root, project))
        .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Programs))]
    public void ProgramsTakeTheCudaBackendInPlaceOfTheCpuBackend(string project)
    {
        Assert.Equal(["TorchSharp-cuda-linux"], Backends(project, "-p:TorchBackend=cuda-linux"));
    }

    [Theory]
    [InlineData("tests/Diffusion.Tests/Diffusion.Tests.csproj", "TorchSharp-cpu")]
    [InlineData("src/Diffusion/Diffusion.csproj", null)]
    [InlineData("src/Diffusion.Imaging/Diffusion.Imaging.csproj", null)]
    public void ProgramsTakeTheCpuBackendByDefaultAndLibrariesNone(string project, string? backend)
    {
        Assert.Equal(backend is null ? [] : [backend], Backends(project));
    }

    private static string[] Backends(string project, params string[] options)
    {
        string items = DotnetCommand.Run(Repository.Root, ["msbuild", project, "-getItem:PackageReference", .. options]);
        using JsonDocument parsed = JsonDocument.Parse(items);
        return [.. parsed.RootElement.GetProperty("Items").GetProperty("PackageReference").EnumerateArray()
            .Select(item => item.GetProperty("Identity").GetString()!)
            .Where(name => name.StartsWith("TorchSharp-", StringComparison.OrdinalIgnoreCase))];
    }
}
