using System.Buffers.Binary;

namespace Diffusion.Imaging;

/// <summary>The structure of a WebP image (RFC 9649): chunks in a RIFF container. A flat picture takes next to nothing, so no size follows from the length of the file.</summary>
internal static class WebPHeader
{
    private const int Container = 12, ChunkFrame = 8, FrameHeader = 16;

    public static (int Width, int Height) Read(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < 30) throw ImageHeader.Fault(name, "is a WebP image that ends within its header");
        long claimed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (claimed + 8 > bytes.Length) throw ImageHeader.Fault(name, $"is cut off or damaged: its container claims {claimed} bytes, of which {bytes.Length - 8} are there");
        var kind = bytes[12..16];
        if (!kind.SequenceEqual("VP8X"u8)) return Picture(kind, bytes[(Container + ChunkFrame)..], name) ?? throw ImageHeader.Fault(name, "is a WebP image of an unknown kind");
        var (width, height) = (Length24(bytes[24..]) + 1, Length24(bytes[27..]) + 1);
        CheckParts(bytes[..(int)(claimed + 8)], width, height, name);
        return (width, height);
    }

    // Each part of an extended image must lie within the file, a still picture be as large as the canvas, and a frame lie on it.
    private static void CheckParts(ReadOnlySpan<byte> bytes, int width, int height, string name)
    {
        var at = Container;
        while (at + ChunkFrame <= bytes.Length)
        {
            var kind = bytes.Slice(at, 4);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]);
            var data = bytes[(at + ChunkFrame)..];
            if (length > data.Length)
                throw ImageHeader.Fault(name, $"is cut off or damaged: its chunk {ImageHeader.Letters(kind)} at byte {at} claims {length} bytes, of which {data.Length} are there");
            if (Picture(kind, data[..(int)length], name) is { } picture && picture != (width, height))
                throw ImageHeader.Fault(name, $"is damaged: its header says {width} × {height} pixels, its content {picture.Width} × {picture.Height}");
            if (kind.SequenceEqual("ANMF"u8)) CheckFrame(data[..(int)length], width, height, name);
            at += ChunkFrame + (int)Math.Min(length + (length & 1), data.Length); // padded to an even length
        }
    }

    private static void CheckFrame(ReadOnlySpan<byte> data, int width, int height, string name)
    {
        if (data.Length < FrameHeader) throw ImageHeader.Fault(name, "is a WebP image that ends within the header of a frame");
        long right = 2 * Length24(data) + Length24(data[6..]) + 1, bottom = 2 * Length24(data[3..]) + Length24(data[9..]) + 1;
        if (right > width || bottom > height) throw ImageHeader.Fault(name, $"is damaged: a frame reaches to {right} × {bottom} on a canvas of {width} × {height} pixels");
    }

    // Size of a lossy or lossless picture; null for another part.
    private static (int Width, int Height)? Picture(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> data, string name)
    {
        if (kind.SequenceEqual("VP8 "u8))
        {
            if (data.Length < 10 || (data[0] & 1) != 0 || !data[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]))
                throw ImageHeader.Fault(name, "is a damaged WebP image: its lossy picture does not begin with a key frame");
            return (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF);
        }

        if (!kind.SequenceEqual("VP8L"u8)) return null;
        if (data.Length < 5 || data[0] != 0x2F || data[4] >> 5 != 0) throw ImageHeader.Fault(name, "is a damaged WebP image: its lossless picture does not begin with its mark and version");
        var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
        return ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
    }

    private static int Length24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
