using System.Buffers.Binary;
using System.IO.Compression;
using Diffusion.Data;

namespace Diffusion.Tests.Hostile;

/// <summary>IDX files of images and labels, plain or compressed.</summary>
internal sealed class IdxFormat(bool compressed) : HostileFormat(compressed ? "IDX compressed" : "IDX")
{
    private const string Images = "images", Labels = "labels";

    private static readonly byte[] PlainImages = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, .. Enumerable.Range(0, 24).Select(i => (byte)(10 * i))];
    private static readonly byte[] PlainLabels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 1];

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = new Dictionary<string, byte[]> { [Images] = Pack(PlainImages, compressed), [Labels] = Pack(PlainLabels, compressed) };

    // Deflate expands up to 1032 times; what is unpacked is held in memory, which doubles as it fills.
    public override long BytesPerByte => compressed ? 3200 : 64;

    public override long TensorBytesPerByte => compressed ? 4200 : 8;

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        With(Images, []), With(Images, Pack(PlainImages[..7], compressed)), With(Images, Pack(PlainImages[..^1], compressed)), With(Images, Pack([.. PlainImages, 0], compressed)), With(Images, Pack(PlainLabels, compressed)),
        With(Labels, Pack(PlainImages, compressed)), With(Images, Pack(At(PlainImages, 0, 1), compressed)), With(Images, Pack(At(PlainImages, 2, 13), compressed)), With(Images, Pack(At(PlainImages, 7, 0), compressed)),
        With(Images, Pack(At(PlainImages, 8, 255), compressed)), With(Images, Pack(At(At(PlainImages, 8, 127), 12, 127), compressed)), With(Labels, Pack(At(PlainLabels, 7, 3), compressed)), Without(Images), Without(Labels),
        With(Images, [0x1F, 0x8B]), With(Images, Pack(PlainImages, true)[..20]), With(Images, At(Pack(PlainImages, true), 20, 255)),
        // A bomb: two images, and megabytes behind them.
        With(Images, Pack([.. PlainImages, .. new byte[4 << 20]], true)), With(Images, Pack(Sized(60_000, 28, 28), true)), With(Images, Pack(Sized(60_000, 16_000, 16_000), true)),
        With(Images, [.. Pack(Sized(1, 16_000, 16_000), true), .. new byte[300_000]]), With(Images, [.. Pack(Sized(9000, 500, 500), true), .. new byte[2_300_000]]),
    ];

    public override long Load(string folder)
    {
        using var data = IdxDataSet.Open(Path.Combine(folder, Images), Path.Combine(folder, Labels));
        using var batch = data.Get([.. Enumerable.Range(0, (int)Math.Min(data.Count, 8)).Select(i => (long)i)]);
        return Bytes(batch.Data) + Bytes(batch.Labels!);
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        var (images, labels) = ((byte[])PlainImages.Clone(), (byte[])PlainLabels.Clone());
        switch (random.Next(5))
        {
            case 0:
                images = ByteMutation.Overwrite(images, 4 * (1 + random.Next(3)), random, 4, bigEndian: true);
                break;
            case 1:
                labels = ByteMutation.Overwrite(labels, 4, random, 4, bigEndian: true);
                break;
            case 2: // sizes that agree with the length, or nearly
                var (count, height, width) = (random.Next(4), random.Next(6), random.Next(6));
                images = [.. Sized(count, height, width), .. new byte[Math.Max(count * height * width + random.Next(3) - 1, 0)]];
                BinaryPrimitives.WriteInt32BigEndian(labels.AsSpan(4), count);
                labels = [.. labels[..8], .. ByteMutation.Noise(random, count)];
                break;
            case 3: // marks, types and axes
                images[random.Next(4)] = (byte)random.Next(256);
                if (random.Next(2) == 0) labels[random.Next(4)] = (byte)random.Next(20);
                break;
            default:
                (images, labels) = (labels, images);
                break;
        }

        (files[Images], files[Labels]) = (Pack(images, compressed), Pack(labels, compressed));
    }

    private static byte[] Sized(int count, int height, int width)
    {
        var bytes = PlainImages[..16];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), count);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), height);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), width);
        return bytes;
    }

    private static byte[] At(byte[] bytes, int place, byte value)
    {
        var changed = (byte[])bytes.Clone();
        changed[place] = value;
        return changed;
    }

    private static byte[] Pack(byte[] bytes, bool compressed)
    {
        if (!compressed) return bytes;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }
}

/// <summary>CIFAR-10 in its binary version.</summary>
internal sealed class CifarFormat() : HostileFormat("CIFAR-10")
{
    private const string FileName = "test_batch.bin";
    private const int Record = 3073;

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = new Dictionary<string, byte[]> { [FileName] = [.. Enumerable.Range(0, 2 * Record).Select(i => (byte)(i % Record == 0 ? 4 : i))] };

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
        [With(FileName, []), With(FileName, Valid[FileName][..^1]), With(FileName, [10, .. Valid[FileName][1..]]), With(FileName, [0x1F, 0x8B, .. Valid[FileName][2..]]), Without(FileName)];

    public override long Load(string folder)
    {
        using var data = Cifar10DataSet.OpenTest(folder);
        using var batch = data.Get([.. Enumerable.Range(0, (int)Math.Min(data.Count, 8)).Select(i => (long)i)]);
        return Bytes(batch.Data) + Bytes(batch.Labels!);
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        var bytes = (byte[])files[FileName].Clone();
        if (random.Next(3) == 0) bytes = [.. bytes, .. bytes[..(Record * random.Next(2) + random.Next(2))]];
        bytes[Record * random.Next(bytes.Length / Record)] = (byte)random.Next(random.Next(2) == 0 ? 12 : 256);
        files[FileName] = bytes;
    }
}

/// <summary>Files of pairs.</summary>
internal sealed class PairFormat() : HostileFormat("pairs")
{
    private const string FileName = "pairs.bin";

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = new Dictionary<string, byte[]> { [FileName] = Make(new PairFileHeader(5, 3, 3, 2, [2, 2]), 3 * (8 + 32)) };

    // A header may name a million classes.
    public override long BytesBesides => 96 << 20;

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        With(FileName, []), With(FileName, Valid[FileName][..100]), With(FileName, Valid[FileName][..^1]), With(FileName, [.. Valid[FileName], 0]), With(FileName, [1, .. Valid[FileName][1..]]), With(FileName, Changed(8, 2)),
        With(FileName, Changed(12, 0)), With(FileName, Changed(12, 27)), With(FileName, Changed(24, 0)), With(FileName, Changed(32, 2)), With(FileName, Changed(32, -1)), With(FileName, Changed(40, 1_000_001)), With(FileName, Changed(40, -1)),
        With(FileName, Changed(48, 0)), With(FileName, Changed(48, long.MaxValue)), With(FileName, Changed(256, 2)), With(FileName, Changed(256, -1)), Without(FileName),
        // The largest sample that was let through made a record one byte too long for its own arithmetic.
        With(FileName, Make(new PairFileHeader(5, 3, 3, 2, [int.MaxValue / 8]), 100)), With(FileName, Make(new PairFileHeader(5, long.MaxValue, long.MaxValue, 2, [(int.MaxValue - 8) / 8]), 100)),
    ];

    public override long Load(string folder)
    {
        using var data = PairFileDataSet.Open(Path.Combine(folder, FileName));
        using var batch = data.Get([.. Enumerable.Range(0, (int)Math.Min(data.Count, 8)).Select(i => (long)i)]);
        return Bytes(batch.Data) + (batch.Labels is { } labels ? Bytes(labels) : 0);
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        int[] places = [8, 12, 16, 24, 32, 40, 48, 56, 64, 256];
        var bytes = files[FileName];
        for (var n = random.Next(2); n >= 0; n--)
        {
            var place = places[random.Next(places.Length)];
            bytes = random.Next(2) == 0 ? ByteMutation.Overwrite(bytes, place, random, 8, bigEndian: false) : Changed(bytes, place, random.Next(6));
        }

        files[FileName] = bytes;
    }

    private static byte[] Make(PairFileHeader header, int content) => [.. header.ToBytes(), .. new byte[content]];

    private byte[] Changed(int place, long value) => Changed(Valid[FileName], place, value);

    private static byte[] Changed(byte[] bytes, int place, long value)
    {
        var changed = (byte[])bytes.Clone();
        if (place is 8 or 12) BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(place), (int)value);
        else BinaryPrimitives.WriteInt64LittleEndian(changed.AsSpan(place), value);
        return changed;
    }
}
