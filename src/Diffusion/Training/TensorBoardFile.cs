using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Diffusion.Training;

/// <summary>
/// An event file of TensorBoard: records of (length, its check, content, its check), the checks being masked CRC-32C; each content a protocol buffer
/// <c>tensorflow.Event</c>. (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto)
/// </summary>
internal sealed class TensorBoardFile : IDisposable
{
    // Field numbers of the messages.
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5, SessionLog = 7; // Event
    private const int Value = 1, Tag = 1, SimpleValue = 2; // Summary, Summary.Value
    private const int Status = 1, Start = 1; // SessionLog and its status
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5; // wire types

    private readonly FileStream _file;

    private TensorBoardFile(FileStream file) => _file = file;

    /// <summary>Makes a file in a folder.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="firstStep">Steps from here on in other files of the folder are out of date.</param>
    public static TensorBoardFile Create(string folder, long firstStep)
    {
        var file = new TensorBoardFile(new FileStream(FreeName(folder), FileMode.CreateNew, FileAccess.Write, FileShare.Read));
        file.WriteEvent(null, content => Write(content, FileVersion, "brain.Event:2"u8));
        file.WriteEvent(firstStep, content => WriteMessage(content, SessionLog, log => WriteNumber(log, Status, Start)));
        return file;
    }

    public void WriteScalars(long step, IReadOnlyList<(string Tag, double Value)> scalars) => WriteEvent(step, content =>
        WriteMessage(content, Summary, summary =>
        {
            foreach (var (tag, number) in scalars)
                WriteMessage(summary, Value, entry =>
                {
                    Write(entry, Tag, Encoding.UTF8.GetBytes(tag));
                    WriteKey(entry, SimpleValue, Fixed32);
                    Span<byte> bytes = stackalloc byte[4];
                    BinaryPrimitives.WriteSingleLittleEndian(bytes, (float)number);
                    entry.Write(bytes);
                });
        }));

    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C, turned right by 15 bits and moved by a constant, as the format wants it so that checks of checks differ.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return unchecked(BitOperations.RotateRight(~crc, 15) + 0xA282EAD8u);
    }

    // TensorBoard reads the files of a folder in the order of their names, which begin with the time.
    private static string FreeName(string folder)
    {
        var time = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        for (var i = 0; ; i++)
        {
            var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{time:D10}.{Environment.MachineName}.{Environment.ProcessId}.{i}"));
            if (!File.Exists(path)) return path;
        }
    }

    // One write a record: a killed process leaves at most one unfinished, at the end, which readers pass over.
    private void WriteEvent(long? step, Action<MemoryStream> write)
    {
        using var content = new MemoryStream();
        WriteKey(content, WallTime, Fixed64);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(number, (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds);
        content.Write(number);
        if (step is { } s) WriteNumber(content, Step, s);
        write(content);

        var length = (int)content.Length;
        var record = new byte[8 + 4 + length + 4];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        content.GetBuffer().AsSpan(0, length).CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + length), MaskedChecksum(record.AsSpan(12, length)));
        _file.Write(record);
        _file.Flush();
    }

    private static void WriteMessage(MemoryStream target, int field, Action<MemoryStream> write)
    {
        using var content = new MemoryStream();
        write(content);
        Write(target, field, content.GetBuffer().AsSpan(0, (int)content.Length));
    }

    private static void Write(MemoryStream target, int field, ReadOnlySpan<byte> content)
    {
        WriteKey(target, field, Bytes);
        WriteVarint(target, (ulong)content.Length);
        target.Write(content);
    }

    private static void WriteNumber(MemoryStream target, int field, long value)
    {
        WriteKey(target, field, Varint);
        WriteVarint(target, (ulong)value);
    }

    private static void WriteKey(MemoryStream target, int field, int wireType) => WriteVarint(target, (ulong)(field << 3 | wireType));

    private static void WriteVarint(MemoryStream target, ulong value)
    {
        for (; value >= 0x80; value >>= 7) target.WriteByte((byte)(value | 0x80));
        target.WriteByte((byte)value);
    }
}
