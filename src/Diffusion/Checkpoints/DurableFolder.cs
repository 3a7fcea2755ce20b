using System.Runtime.InteropServices;

namespace Diffusion.Checkpoints;

/// <summary>Puts the names in a folder on disk, so that a rename survives a power failure. .NET can flush files only.</summary>
internal static class DurableFolder
{
    /// <summary>Makes a folder and those above it, each name on disk.</summary>
    public static void Create(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Directory.Exists(full)) return;
        if (Path.GetDirectoryName(full) is { } parent)
        {
            Create(parent);
            Directory.CreateDirectory(full);
            Flush(parent);
        }
    }

    /// <summary>Puts everything in a folder on disk: contents and names, and those of folders in it.</summary>
    public static void FlushAll(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            using var file = File.OpenHandle(path, FileMode.Open, OperatingSystem.IsWindows() ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite);
            RandomAccess.FlushToDisk(file);
        }

        foreach (var path in Directory.EnumerateDirectories(folder)) FlushAll(path);
        Flush(folder);
    }

    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows()) return; // NTFS journals names; there is no such call
        var handle = Open(folder, 0); // read only
        if (handle < 0) throw new IOException($"'{folder}' cannot be opened to be flushed (error {Marshal.GetLastPInvokeError()}).");
        try
        {
            // Some file systems (network mounts) cannot flush folders and say so: EINVAL, EROFS. There is nothing more to be done there.
            if (Sync(handle) < 0 && Marshal.GetLastPInvokeError() is var error and not (22 or 30 or 95))
                throw new IOException($"'{folder}' cannot be flushed to disk (error {error}).", error);
        }
        finally
        {
            _ = Close(handle);
        }

        CrashDrill.Did("flush-folder", folder);
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int handle);
}
