using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Diffusion.Data;
using Diffusion.Imaging;
using Diffusion.Tests.Imaging;

namespace Diffusion.Tests.Hostile;

/// <summary>An image file, read with a bound on its pixels.</summary>
internal abstract class PictureFormat(string name, byte[] valid) : HostileFormat(name)
{
    protected const string FileName = "picture";
    private const long MaxPixels = 1 << 18;

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = new Dictionary<string, byte[]> { [FileName] = valid };

    // What follows from the bound, whatever the file: four bytes a pixel, and a tensor of three floats.
    public override long BytesBesides => 16 * MaxPixels + (1 << 20);

    public override long Load(string folder)
    {
        var image = ImageFile.Read(Path.Combine(folder, FileName), maxPixels: MaxPixels);
        if (!image.isfinite().all().item<bool>() || image.abs().max().item<float>() > 1) throw new InvalidOperationException("values outside of [−1, 1]");
        return Bytes(image);
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random) => files[FileName] = Distort(files[FileName], random);

    protected abstract byte[] Distort(byte[] bytes, Random random);

    protected static byte[] Changed(byte[] bytes, int place, params byte[] values)
    {
        var changed = (byte[])bytes.Clone();
        values.CopyTo(changed, place);
        return changed;
    }

    protected static byte[] Picture(ImageFormat format, int quality, bool opacity = false)
    {
        using var scope = NewDisposeScope();
        using var shapes = new ShapesDataSet(size: 24);
        var image = shapes.Get(3).Data[0];
        return ImageFile.Encode(opacity ? cat([image, image.narrow(0, 0, 1)], 0) : image, format, quality);
    }
}

/// <summary>PNG: chunks with right sums and wrong content.</summary>
internal sealed class PngFormat() : PictureFormat("PNG", Picture(ImageFormat.Png, 95))
{
    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            var png = Valid[FileName];
            foreach (var (place, value) in new[] { (16, 0), (20, 0), (16, int.MaxValue), (16, -1), (20, 100_000), (8, 12), (8, -1), (24, 0x03020000), (24, 0x10030000), (24, 0x08050000), (24, 0x08020100), (24, 0x08020001), (24, 0x08020002) })
                yield return With(FileName, Header(png, place, value));
            yield return With(FileName, []);
            yield return With(FileName, "GIF89a and so on"u8.ToArray());
            yield return With(FileName, png[..20]);
            yield return With(FileName, png[..^30]);
            yield return With(FileName, Changed(png, png.Length - 20, (byte)(png[^20] ^ 1)));
            yield return With(FileName, Changed(png, 37, 0));
            yield return With(FileName, Header(Header(png, 16, 30_000), 20, 30_000)); // within its expansion, were it full of zeros
            yield return With(FileName, Pngs.Make(2000, 2000, 2, new byte[12_000_000])); // beyond the bound, and honest
            yield return With(FileName, Pngs.Make(4, 4, 2, new byte[48], ("zTXt", Bomb()), ("iCCP", Bomb())));
            yield return With(FileName, Pngs.Make(4, 4, 3, new byte[16]));
        }
    }

    protected override byte[] Distort(byte[] bytes, Random random)
    {
        var chunks = Chunks(bytes);
        var at = random.Next(chunks.Count);
        switch (random.Next(7))
        {
            case 0: // a field of the header
                chunks[0] = (chunks[0].Type, ByteMutation.Overwrite(chunks[0].Data, random.Next(13), random, random.Next(2) == 0 ? 1 : 4, bigEndian: true));
                break;
            case 1:
                chunks.RemoveAt(at);
                break;
            case 2:
                chunks.Insert(random.Next(chunks.Count + 1), chunks[at]);
                break;
            case 3:
                chunks[at] = (chunks[at].Type, ByteMutation.Apply(chunks[at].Data, random));
                break;
            case 4: // another kind of chunk
                string[] types = ["PLTE", "tRNS", "gAMA", "cHRM", "iCCP", "sRGB", "bKGD", "hIST", "pHYs", "sPLT", "tIME", "zTXt", "iTXt", "acTL", "fcTL", "fdAT", "eXIf", "IDAT", "IEND", "IHDR", "abcd", "ABCD"];
                chunks.Insert(1 + random.Next(chunks.Count), (types[random.Next(types.Length)], random.Next(2) == 0 ? Bomb() : ByteMutation.Noise(random, random.Next(40))));
                break;
            case 5: // another content of other sizes
                var (width, height) = (1 + random.Next(300), 1 + random.Next(300));
                return Pngs.Make(width, height, (byte)random.Next(7), new byte[random.Next(4 * width * height)]);
            default: // a length that lies
                var whole = Join(chunks);
                var offset = 8 + chunks.Take(at).Sum(chunk => chunk.Data.Length + 12);
                return ByteMutation.Overwrite(whole, offset, random, 4, bigEndian: true);
        }

        return Join(chunks);
    }

    private static byte[] Header(byte[] png, int place, int value)
    {
        var changed = (byte[])png.Clone();
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(place), value);
        return place == 8 ? changed : [.. changed[..8], .. Pngs.Chunk("IHDR", changed[16..29]), .. changed[33..]];
    }

    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        packed.Write("a\0\0"u8);
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize)) zlib.Write(new byte[4 << 20]);
        return packed.ToArray();
    }

    private static List<(string Type, byte[] Data)> Chunks(byte[] png)
    {
        var chunks = new List<(string, byte[])>();
        for (var at = 8; at + 12 <= png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            chunks.Add((Encoding.ASCII.GetString(png, at + 4, 4), png[(at + 8)..(at + 8 + length)]));
            at += 12 + length;
        }

        return chunks;
    }

    private static byte[] Join(List<(string Type, byte[] Data)> chunks) => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, .. chunks.SelectMany(chunk => Pngs.Chunk(chunk.Type, chunk.Data))];
}

/// <summary>JPEG: segments of right lengths and wrong content.</summary>
internal sealed class JpegFormat() : PictureFormat("JPEG", Picture(ImageFormat.Jpeg, 90))
{
    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            var jpeg = Valid[FileName];
            var frame = Frame(jpeg);
            (int Place, byte[] Values)[] lies = [(1, [0xC3]), (1, [0xC9]), (2, [0, 1]), (2, [0xFF, 0xFF]), (4, [12]), (5, [0, 0]), (7, [0, 0]), (5, [0xFF, 0xFF, 0xFF, 0xFF]), (9, [2]), (9, [0]), (11, [0x00]), (11, [0x55])];
            foreach (var (place, values) in lies) yield return With(FileName, Changed(jpeg, frame + place, values));
            yield return With(FileName, jpeg[..20]);
            yield return With(FileName, jpeg[..^30]);
            yield return With(FileName, [0xFF, 0xD8, 0xFF, 0xD9, 0, 0, 0, 0, 0, 0, 0, 0]);
            yield return With(FileName, [0xFF, 0xD8, 0xFF, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            yield return With(FileName, [.. jpeg[..2], 0xFF, 0xE1, 0, 1, .. jpeg[2..]]);
        }
    }

    protected override byte[] Distort(byte[] bytes, Random random)
    {
        var segments = Segments(bytes);
        var at = random.Next(segments.Count);
        switch (random.Next(6))
        {
            case 0: // a field of the frame
                return ByteMutation.Overwrite(bytes, Frame(bytes) + 1 + random.Next(18), random, 1 << random.Next(2), bigEndian: true);
            case 1:
                segments.RemoveAt(at);
                break;
            case 2:
                segments.Insert(random.Next(segments.Count + 1), segments[at]);
                break;
            case 3: // a length that lies
                var offset = segments.Take(at).Sum(segment => segment.Length);
                return ByteMutation.Overwrite(bytes, Math.Min(offset + 2, bytes.Length - 1), random, 2, bigEndian: true);
            case 4: // content of a segment: tables of Huffman codes, quantisers, the scan
                if (segments[at].Length > 4) segments[at] = [.. segments[at][..4], .. ByteMutation.Apply(segments[at][4..], random)];
                break;
            default:
                segments.Insert(random.Next(segments.Count), [0xFF, (byte)random.Next(0xC0, 0xFF), 0, 8, .. ByteMutation.Noise(random, 6)]);
                break;
        }

        return [.. segments.SelectMany(segment => segment)];
    }

    private static int Frame(byte[] jpeg) => jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]) is var baseline and >= 0 ? baseline : jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC2]);

    // The start mark, then segments up to the scan, then the rest.
    private static List<byte[]> Segments(byte[] jpeg)
    {
        var segments = new List<byte[]> { jpeg[..2] };
        var at = 2;
        while (jpeg[at + 1] != 0xDA)
        {
            var length = 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg.AsSpan(at + 2));
            segments.Add(jpeg[at..(at + length)]);
            at += length;
        }

        segments.Add(jpeg[at..]);
        return segments;
    }
}

/// <summary>WebP: chunks of right lengths and wrong content; lossy, lossless, or with opacity in an extended container.</summary>
internal sealed class WebPFormat(string name, int quality, bool opacity) : PictureFormat(name, Picture(ImageFormat.WebP, quality, opacity))
{
    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            var webp = Valid[FileName];
            yield return With(FileName, webp[..20]);
            yield return With(FileName, webp[..^8]);
            yield return With(FileName, Changed(webp, 12, "VP8?"u8.ToArray()));
            yield return With(FileName, Changed(webp, 20, 0xFF));
            yield return With(FileName, Changed(webp, 24, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF));
            yield return With(FileName, Changed(webp, 24, 0xFF, 0xFF));
            yield return With(FileName, "RIFF0000WAVEfmt and so on, long enough to be read"u8.ToArray());
            if (!opacity) yield break;
            yield return With(FileName, Changed(webp, 34, 0xFF, 0xFF, 0xFF, 0x7F)); // the length of the chunk after the header
            foreach (var frame in new byte[][] { [1, 2, 3], [0, 0, 0, 0, 0, 0, 99, 0, 0, 99, 0, 0, 0, 0, 0, 0], [255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] })
                yield return With(FileName, Container([.. Parts(webp), Part("ANMF", frame)]));
        }
    }

    protected override byte[] Distort(byte[] bytes, Random random)
    {
        var parts = Parts(bytes);
        var offset = 12;
        var at = random.Next(parts.Count);
        for (var i = 0; i < at; i++) offset += parts[i].Length;
        switch (random.Next(6))
        {
            case 0: // the length of the container
                return ByteMutation.Overwrite(bytes, 4, random, 4, bigEndian: false);
            case 1: // the length of a part
                return ByteMutation.Overwrite(bytes, offset + 4, random, 4, bigEndian: false);
            case 2: // sizes, marks and flags
                return ByteMutation.Overwrite(bytes, Math.Min(offset + 8 + random.Next(12), bytes.Length - 1), random, 1 + random.Next(3), bigEndian: false);
            case 3:
                if (parts.Count > 1) parts.RemoveAt(at);
                else parts.Add(parts[0]);
                break;
            case 4:
                parts.Insert(random.Next(parts.Count + 1), Part(new[] { "ANMF", "ANIM", "ALPH", "ICCP", "EXIF", "VP8L", "VP8 ", "VP8X", "abcd" }[random.Next(9)], ByteMutation.Noise(random, random.Next(40))));
                break;
            default:
                parts[at] = [.. parts[at][..8], .. ByteMutation.Apply(parts[at][8..], random)];
                break;
        }

        return Container(parts);
    }

    private static byte[] Container(IEnumerable<byte[]> parts)
    {
        byte[] content = [.. "WEBP"u8, .. parts.SelectMany(part => part)];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(content.Length), .. content];
    }

    private static byte[] Part(string kind, byte[] data) => [.. Encoding.ASCII.GetBytes(kind), .. BitConverter.GetBytes(data.Length), .. data, .. new byte[data.Length & 1]];

    private static List<byte[]> Parts(byte[] webp)
    {
        var parts = new List<byte[]>();
        for (var at = 12; at + 8 <= webp.Length;)
        {
            var length = BitConverter.ToInt32(webp, at + 4);
            var end = Math.Min(at + 8 + length + (length & 1), webp.Length);
            parts.Add(webp[at..end]);
            at = end;
        }

        return parts;
    }
}
