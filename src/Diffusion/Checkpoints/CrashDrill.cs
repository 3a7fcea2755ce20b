using System.Diagnostics;
using System.Globalization;

namespace Diffusion.Checkpoints;

/// <summary>
/// Lets the tests kill a process after any single step of a save. Where the environment variable <c>DIFFUSION_CRASH_DRILL</c> holds a number n, the process kills
/// itself, as kill −9 does, after its n-th write, flush, rename or removal of a file that must survive a crash; where it holds <c>list</c>, it names each on standard
/// error. The variable is read once; while it is not set, an operation costs one comparison with null.
/// </summary>
internal sealed class CrashDrill
{
    private static readonly CrashDrill? Armed = Environment.GetEnvironmentVariable("DIFFUSION_CRASH_DRILL") switch
    {
        "list" => new CrashDrill(long.MaxValue),
        { } text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var after) && after > 0 => new CrashDrill(after),
        _ => null,
    };

    private readonly long _after;
    private long _count;

    private CrashDrill(long after) => _after = after;

    /// <summary>An operation has been done.</summary>
    public static void Did(string operation, string path) => Armed?.Count(operation, path);

    /// <summary>The stream itself; where the drill is armed, one that counts every write, none of them left in a buffer.</summary>
    public static Stream Watched(FileStream file) => Armed is null ? file : new WatchedStream(file);

    private void Count(string operation, string path)
    {
        if (_after == long.MaxValue) Console.Error.WriteLine($"{operation} {path}");
        if (Interlocked.Increment(ref _count) != _after) return;
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite); // the signal is on its way; nothing more may be done
    }

    private sealed class WatchedStream(FileStream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            file.Write(buffer);
            file.Flush();
            Did("write", file.Name);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
