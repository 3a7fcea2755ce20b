using System.Text;
using System.Text.Json;

namespace Diffusion.Tests.Build;

/// <summary>
/// Runs the targets that ship in the package on libraries of the test's choice, as a build for one platform (native items) or a portable one
/// (runtime targets) would, and says which file stands in each library's place afterwards.
/// </summary>
internal sealed class RelaxedCopies : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("diffusion-targets-").FullName;

    /// <summary>What the last run printed.</summary>
    public string Output { get; private set; } = "";

    /// <summary>All files that runs have made, with the time each was written.</summary>
    public Dictionary<string, DateTime> Made => new DirectoryInfo(Path.Combine(folder, "obj"))
        .EnumerateFiles("*", SearchOption.AllDirectories).ToDictionary(file => file.FullName, file => file.LastWriteTimeUtc);

    /// <summary>Puts a library where a package would have it.</summary>
    public string Write(string name, byte[] content)
    {
        string path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>The file written by <see cref="Write"/>.</summary>
    public string PathOf(string name) => Path.Combine(folder, "package", name, "libLibTorchSharp.so");

    /// <summary>Builds; the answer maps each name to the path that would be copied to the output and its DestinationSubPath.</summary>
    public Dictionary<string, (string Path, string Destination)> Run(string itemType, IEnumerable<string> names, params string[] options)
    {
        var items = new StringBuilder();
        foreach (string name in names)
        {
            items.AppendLine($"""<{itemType} Include="package/{name}/libLibTorchSharp.so" DestinationSubPath="sub/{name}/libLibTorchSharp.so" Test="{name}" />""");
        }

        File.WriteAllText(Path.Combine(folder, "build.proj"), $"""
            <Project>
              <PropertyGroup><IntermediateOutputPath>obj/</IntermediateOutputPath></PropertyGroup>
              <ItemGroup>
                {items}
                <{itemType} Include="package/libtorch_cpu.so" Test="other" />
              </ItemGroup>
              <Target Name="ResolvePackageAssets" />
              <Import Project="{Repository.PathOf("src", "Diffusion", "buildTransitive", "Diffusion.targets")}" />
            </Project>
            """);
        string result = Path.Combine(folder, "items.json");
        Output = DotnetCommand.Run(folder, ["msbuild", "build.proj", "-t:ResolvePackageAssets", $"-getItem:{itemType}", $"-getResultOutputFile:{result}", .. options]);
        using JsonDocument parsed = JsonDocument.Parse(File.ReadAllText(result));
        return parsed.RootElement.GetProperty("Items").GetProperty(itemType).EnumerateArray().ToDictionary(
            item => item.GetProperty("Test").GetString()!,
            item => (item.GetProperty("FullPath").GetString()!, item.TryGetProperty("DestinationSubPath", out var sub) ? sub.GetString()! : ""));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
