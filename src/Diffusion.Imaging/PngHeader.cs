using System.Buffers.Binary;

namespace Diffusion.Imaging;

/// <summary>The structure of a PNG image (PNG specification, third edition, sections 5 and 11.2.1).</summary>
internal static class PngHeader
{
    private const int Signature = 8, ChunkFrame = 12, HeaderData = 13;

    // No deflate stream expands further (RFC 1951: 258 bytes from two bits).
    private const int GreatestExpansion = 1032;

    public static (int Width, int Height) Read(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < Signature + ChunkFrame + HeaderData || !bytes[12..16].SequenceEqual("IHDR"u8)) throw ImageHeader.Fault(name, "is a PNG image that ends within its header");
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) is var length and not HeaderData)
            throw ImageHeader.Fault(name, $"is a damaged PNG image: its header has {length} bytes instead of {HeaderData}");
        var (width, height) = (Size(BinaryPrimitives.ReadUInt32BigEndian(bytes[16..])), Size(BinaryPrimitives.ReadUInt32BigEndian(bytes[20..])));
        var (depth, kind) = (bytes[24], bytes[25]);
        var samples = kind switch { 0 or 3 => 1, 2 => 3, 4 => 2, 6 => 4, _ => 0 };
        var allowed = kind switch { 0 => depth is 1 or 2 or 4 or 8 or 16, 3 => depth is 1 or 2 or 4 or 8, _ => depth is 8 or 16 };
        if (samples == 0 || !allowed) throw ImageHeader.Fault(name, $"is a damaged PNG image: there are no samples of {depth} bits in colour type {kind}");
        if (bytes[26] != 0 || bytes[27] != 0 || bytes[28] > 1)
            throw ImageHeader.Fault(name, $"is a damaged PNG image: its compression, filter and interlace methods are {bytes[26]}, {bytes[27]} and {bytes[28]}");
        var content = Content(bytes, name);
        if ((UInt128)width * (uint)height * (uint)(depth * samples) / 8 > (UInt128)content * GreatestExpansion)
            throw ImageHeader.Fault(name, $"is a damaged PNG image: {content} bytes cannot hold the {width} × {height} pixels that it claims");
        return (width, height);
    }

    // Bytes of compressed pixels; every chunk must lie within the file. What follows the end mark is nobody's business.
    private static long Content(ReadOnlySpan<byte> bytes, string name)
    {
        var (at, content) = (Signature, 0L);
        while (at + ChunkFrame <= bytes.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            var type = bytes.Slice(at + 4, 4);
            foreach (var letter in type)
                if (!char.IsAsciiLetter((char)letter)) throw ImageHeader.Fault(name, $"is a damaged PNG image: there is no chunk at byte {at}");
            if (length > bytes.Length - at - ChunkFrame)
                throw ImageHeader.Fault(name, $"is cut off or damaged: its chunk {ImageHeader.Letters(type)} at byte {at} claims {length} bytes, of which {bytes.Length - at - ChunkFrame} are there");
            if (type.SequenceEqual("IEND"u8)) break;
            if (type.SequenceEqual("IDAT"u8)) content += length;
            at += ChunkFrame + (int)length;
        }

        return content;
    }

    private static int Size(uint length) => length > int.MaxValue ? int.MaxValue : (int)length;
}
