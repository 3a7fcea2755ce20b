namespace Diffusion.Checkpoints;

/// <summary>Writes a file so that under its name there is always either the old content or the new, complete and on disk: written under another name, flushed, renamed, and the folder flushed.</summary>
internal static class AtomicFile
{
    /// <exception cref="IOException">The file could not be written; the message names it and says what to do. What was there before is unchanged.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        // In the same folder: a rename is atomic only within one file system.
        var temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(CrashDrill.Watched(file));
                file.Flush(flushToDisk: true);
                CrashDrill.Did("flush", temporary);
            }

            File.Move(temporary, full, overwrite: true);
            CrashDrill.Did("rename", full);
            DurableFolder.Flush(Path.GetDirectoryName(full)!);
        }
        catch (Exception error)
        {
            Remove(temporary);
            if (WriteFailure.IsOne(error)) throw WriteFailure.Of($"'{full}' could not be written", error, "What was there before is unchanged.");
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    });

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The folder is at fault; what is told is why the file could not be written.
        }
    }
}
