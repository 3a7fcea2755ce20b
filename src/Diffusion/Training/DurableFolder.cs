using System.Runtime.InteropServices;

namespace Diffusion.Training;

/// <summary>Puts the names in a folder on disk, so that a rename survives a power failure. .NET can flush files only.</summary>
internal static class DurableFolder
{
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows()) return; // NTFS journals names; there is no such call
        var handle = Open(folder, 0); // read only
        if (handle < 0) throw new IOException($"'{folder}' cannot be opened to be flushed (error {Marshal.GetLastPInvokeError()}).");
        try
        {
            // Some file systems (network mounts) cannot flush folders and say so: EINVAL, EROFS. There is nothing more to be done there.
            if (Sync(handle) < 0 && Marshal.GetLastPInvokeError() is var error and not (22 or 30 or 95))
                throw new IOException($"'{folder}' cannot be flushed to disk (error {error}).");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int handle);
}
