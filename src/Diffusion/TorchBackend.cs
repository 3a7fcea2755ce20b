using System.Reflection;
using System.Runtime.InteropServices;

namespace Diffusion;

/// <summary>
/// Answers, before anything of TorchSharp runs, whether an application brought libtorch along: without it TorchSharp fails in a type
/// initializer, with an error that names the wrong remedy and that the process cannot recover from.
/// </summary>
internal static class TorchBackend
{
    private static readonly bool FoundAtFirstUse = IsLoadable();

    /// <summary>Call before the first tensor is made. Costs nothing once libtorch has been found.</summary>
    /// <exception cref="InvalidOperationException">No libtorch can be loaded; the message names the packages that bring one.</exception>
    public static void EnsureLoaded()
    {
        // Looked for again after a failure, because a program may still load a libtorch of its own by path.
        if (!FoundAtFirstUse && !IsLoadable())
        {
            throw NotLoaded();
        }
    }

    /// <summary>The same for a constructor, whose base would otherwise come first: <c>: base(TorchBackend.Checked(name))</c>.</summary>
    /// <exception cref="InvalidOperationException">No libtorch can be loaded; the message names the packages that bring one.</exception>
    public static T Checked<T>(T argument)
    {
        EnsureLoaded();
        return argument;
    }

    /// <summary>The error for a libtorch that was found or not, and what the loader said of TorchSharp's own native library.</summary>
    internal static InvalidOperationException NotLoaded(bool libtorchFound, Exception? loaderError, string platform, string version) =>
        new(libtorchFound
            ? $"libtorch is here, but TorchSharp's own native library does not load on {platform}: {loaderError?.Message} "
              + "TorchSharp supports linux-x64 (glibc), win-x64, win-arm64 and osx-arm64, and its native library must stay in the folder it was "
              + "built or published to. On older Linux systems it loads if the build ran the targets in Diffusion's package "
              + "(DiffusionRelaxTorchSharp is not false)."
            : $"No libtorch was found on {platform}. TorchSharp needs a native backend, which the application chooses and this library does not. "
              + $"Add one of these packages to the application: TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows (NVIDIA GPUs); "
              + $"for example: dotnet add package TorchSharp-cpu --version {version}. (To use a libtorch of your own, load it with "
              + "NativeLibrary.Load, libLibTorchSharp last, or name its folder in LD_LIBRARY_PATH.)",
            loaderError);

    private static InvalidOperationException NotLoaded()
    {
        Assembly torchSharp = typeof(torch).Assembly;
        Exception? loaderError = null;
        try
        {
            NativeLibrary.Load("LibTorchSharp", torchSharp, null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            loaderError = e;
        }

        return NotLoaded(
            NativeLibrary.TryLoad("torch_cpu", torchSharp, null, out _),
            loaderError,
            RuntimeInformation.RuntimeIdentifier,
            torchSharp.GetName().Version?.ToString(3) ?? "");
    }

    /// <summary>Asks for the same libraries in the same order as TorchSharp does next, so what loads here is what it uses.</summary>
    private static bool IsLoadable()
    {
        Assembly torchSharp = typeof(torch).Assembly;
        _ = NativeLibrary.TryLoad("torch_cpu", torchSharp, null, out _);
        return NativeLibrary.TryLoad("LibTorchSharp", torchSharp, null, out _) || IsInPackageFolder(torchSharp.Location);
    }

    /// <summary>Scripts and notebooks load TorchSharp from the package cache, where it goes on to gather libtorch itself.</summary>
    private static bool IsInPackageFolder(string assembly) =>
        assembly.Length > 0 && Directory.GetParent(assembly)?.Parent?.Name == "lib";
}
