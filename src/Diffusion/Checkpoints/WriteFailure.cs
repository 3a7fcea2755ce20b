namespace Diffusion.Checkpoints;

/// <summary>Says why something could not be written, and what to do about it.</summary>
internal static class WriteFailure
{
    private const int NotPermitted = 1, Denied = 13, NoSpace = 28, ReadOnly = 30, OverQuota = 122; // errno, which .NET keeps as HResult on Unix
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027), WindowsDenied = unchecked((int)0x80070005);

    /// <summary>Whether an error is the disk's or the folder's; a folder that is not there keeps its own error.</summary>
    public static bool IsOne(Exception error) => error is UnauthorizedAccessException or (IOException and not FileNotFoundException and not DirectoryNotFoundException);

    /// <summary>The error to throw.</summary>
    /// <param name="what">What could not be done, naming the path.</param>
    /// <param name="error">Why.</param>
    /// <param name="consequence">What that means for the caller.</param>
    public static IOException Of(string what, Exception error, string consequence)
    {
        var cause = error;
        while (cause.InnerException is { } inner && IsOne(inner)) cause = inner;
        var reason = cause.HResult switch
        {
            NoSpace or OverQuota or WindowsDiskFull or WindowsHandleDiskFull => "the disk is full. Free space or name another folder.",
            ReadOnly => "the file system is read-only. Make it writable or name another folder.",
            NotPermitted or Denied or WindowsDenied => "writing there is not allowed. Give this user the right to or name another folder.",
            _ => cause.Message,
        };
        return new IOException($"{what}: {reason} {consequence}", error);
    }
}
