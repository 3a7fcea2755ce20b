using System.Runtime.InteropServices;
using Xunit;

namespace Diffusion.Tests.Build;

public class OutputFolderTests
{
    [Fact]
    public void TheOutputHoldsTheNativeLibrariesOfThisPlatformOnly()
    {
        string output = AppContext.BaseDirectory;
        string native = OperatingSystem.IsWindows() ? "*.dll" : OperatingSystem.IsMacOS() ? "*.dylib" : "*.so*";
        string[] foreign = OperatingSystem.IsWindows() ? ["*.so", "*.dylib"] : OperatingSystem.IsMacOS() ? ["*.so", "torch_cpu.dll"] : ["*.dylib", "torch_cpu.dll"];
        Assert.NotEmpty(Directory.EnumerateFiles(output, native));
        Assert.Empty(foreign.SelectMany(pattern => Directory.EnumerateFiles(output, pattern, SearchOption.AllDirectories)));
        Assert.False(Directory.Exists(Path.Combine(output, "runtimes")), "The output holds the libraries of every platform.");
    }

    [Fact]
    public void TheOutputsLibraryDiffersFromThePackagesInOneFlagOnly()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "TorchSharp's library is another one here");
        string packages = DotnetCommand.Run(Repository.PathOf("tests", "Diffusion.Tests"), "msbuild", "-getProperty:NuGetPackageRoot").Trim();
        string version = typeof(torch).Assembly.GetName().Version!.ToString(3);
        byte[] original = File.ReadAllBytes(Path.Combine(packages, "torchsharp", version, "runtimes", "linux-x64", "native", "libLibTorchSharp.so"));
        byte[] used = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so"));

        Assert.Equal(original.Length, used.Length);
        int changed = Assert.Single(Enumerable.Range(0, used.Length), i => used[i] != original[i]);
        Assert.Equal((0, 2), (original[changed], used[changed]));
    }
}
