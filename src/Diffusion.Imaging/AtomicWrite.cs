namespace Diffusion.Imaging;

/// <summary>Writes a file under a temporary name and renames it: there is always the old file or the new one, never half of one.</summary>
internal static class AtomicWrite
{
    public static void To(string path, byte[] content)
    {
        var temporary = path + $".{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
