using System.Buffers.Binary;

namespace Diffusion.Data;

/// <summary>
/// The first 256 bytes of a file of pairs: the mark, the version, the number of axes, the seed, how many pairs it is to hold, how many it holds, how many classes there are (0 for none), and the sizes
/// of a sample, all little-endian. Records follow: the class (int64, if there are any), x₀ and x₁ (float32).
/// </summary>
internal sealed record PairFileHeader(long Seed, long Count, long Completed, long Classes, long[] SampleShape)
{
    public const int Size = 256;
    private const int Version = 1, Axes = 12, SeedAt = 16, CountAt = 24, CompletedAt = 32, ClassesAt = 40, ShapeAt = 48, GreatestAxes = (Size - ShapeAt) / 8;

    /// <summary>What such a file begins with.</summary>
    public static ReadOnlySpan<byte> Mark => "DIFPAIRS"u8;

    public int SampleSize => checked((int)SampleShape.Aggregate(1L, (product, n) => checked(product * n)));

    public int RecordSize => checked((Classes > 0 ? 8 : 0) + 2 * SampleSize * sizeof(float));

    /// <summary>Where record k begins, or the content ends after k records.</summary>
    public long Offset(long record) => Size + record * RecordSize;

    public byte[] ToBytes()
    {
        if (SampleShape.Length > GreatestAxes) throw new NotSupportedException($"Samples of {SampleShape.Length} axes do not fit into a file of pairs, which has room for {GreatestAxes}.");
        var bytes = new byte[Size];
        Mark.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Axes), SampleShape.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SeedAt), Seed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(CountAt), Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(CompletedAt), Completed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(ClassesAt), Classes);
        for (var i = 0; i < SampleShape.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(ShapeAt + 8 * i), SampleShape[i]);
        return bytes;
    }

    /// <exception cref="InvalidDataException">The bytes are no such header; the message names the file.</exception>
    public static PairFileHeader Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (!bytes[..8].SequenceEqual(Mark)) throw new InvalidDataException($"'{path}' is no file of pairs: it does not begin with DIFPAIRS.");
        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Version) throw new InvalidDataException($"'{path}' has version {version}; this library reads version {Version}.");
        var axes = BinaryPrimitives.ReadInt32LittleEndian(bytes[Axes..]);
        if (axes is < 1 or > GreatestAxes) throw new InvalidDataException($"'{path}' is damaged: its samples have {axes} axes; 1 to {GreatestAxes} are possible.");
        long At(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadInt64LittleEndian(from);
        var shape = new long[axes];
        UInt128 size = 1;
        for (var i = 0; i < axes; i++)
        {
            shape[i] = At(bytes[(ShapeAt + 8 * i)..]);
            if (shape[i] < 1 || (size *= (ulong)shape[i]) > (int.MaxValue - 8) / 8) // a record has a class of 8 bytes and two samples
                throw new InvalidDataException($"'{path}' is damaged: size {i} of its samples is {shape[i]}.");
        }

        var header = new PairFileHeader(At(bytes[SeedAt..]), At(bytes[CountAt..]), At(bytes[CompletedAt..]), At(bytes[ClassesAt..]), shape);
        if (header.Count < 1 || header.Completed < 0 || header.Completed > header.Count || header.Classes is < 0 or > 1_000_000)
            throw new InvalidDataException($"'{path}' is damaged: {header.Completed} of {header.Count} pairs, {header.Classes} classes.");
        return header;
    }
}
