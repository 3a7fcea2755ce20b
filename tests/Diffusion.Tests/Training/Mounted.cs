using System.Diagnostics;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>A small file system in memory, to be filled or made read-only; skips the test where this process may not mount one.</summary>
internal sealed class Mounted : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Mounted(int kilobytes)
    {
        if (OperatingSystem.IsLinux() && Mount("-t", "tmpfs", "-o", $"size={kilobytes}k", "none", _folder.Path)) return;
        _folder.Dispose();
        Assert.Skip("a small file system cannot be mounted here (on Linux root can)");
    }

    public string Path => _folder.Path;

    /// <summary>Makes everything in it read-only, also to root.</summary>
    public void MakeReadOnly() => Assert.True(Mount("-o", "remount,ro", Path));

    public void MakeWritable() => Assert.True(Mount("-o", "remount,rw", Path));

    /// <summary>Leaves no free block.</summary>
    public void Fill()
    {
        using var file = new FileStream(System.IO.Path.Combine(Path, "ballast"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // full
        }
    }

    public void Free() => File.Delete(System.IO.Path.Combine(Path, "ballast"));

    public void Dispose()
    {
        Run("umount", _folder.Path);
        _folder.Dispose();
    }

    private static bool Mount(params string[] arguments) => Run("mount", arguments);

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // no such command
        }
    }
}
