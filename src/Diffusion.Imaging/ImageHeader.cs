using System.Buffers.Binary;

namespace Diffusion.Imaging;

/// <summary>Size of a PNG, JPEG or WebP image, read in managed code before a native decoder sees the bytes.</summary>
internal static class ImageHeader
{
    /// <summary>Width and height.</summary>
    /// <exception cref="InvalidDataException">The bytes are none of the three formats, or end within the header.</exception>
    public static (int Width, int Height) Read(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.IsEmpty) throw Fault(name, "is empty");
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A])) return Png(bytes, name);
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return Jpeg(bytes, name);
        if (bytes.StartsWith("RIFF"u8) && bytes.Length >= 12 && bytes[8..12].SequenceEqual("WEBP"u8)) return WebP(bytes, name);
        throw Fault(name, "is not a PNG, JPEG or WebP image");
    }

    public static InvalidDataException Fault(string name, string fault) => new($"'{name}' {fault}.");

    private static (int, int) Png(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < 33 || !bytes[12..16].SequenceEqual("IHDR"u8)) throw Fault(name, "is a PNG image that ends within its header");
        var (width, height) = (Size(BinaryPrimitives.ReadUInt32BigEndian(bytes[16..])), Size(BinaryPrimitives.ReadUInt32BigEndian(bytes[20..])));
        // No deflate stream expands more than 1032 times, and a pixel takes its bit depth at least.
        if ((UInt128)width * (uint)height * bytes[24] / 8 > (UInt128)bytes.Length * 1032)
            throw Fault(name, $"is a damaged PNG image: {bytes.Length} bytes cannot hold the {width} × {height} pixels that it claims");
        return (width, height);
    }

    // Segments are a marker and a length; the frame header (SOF) has the size.
    private static (int, int) Jpeg(ReadOnlySpan<byte> bytes, string name)
    {
        var at = 2;
        while (at + 9 <= bytes.Length)
        {
            if (bytes[at] != 0xFF) throw Fault(name, $"is a JPEG image with a damaged segment at byte {at}");
            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++; // fill byte
                continue;
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
            {
                at += 2; // these stand alone
                continue;
            }

            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]));
            if (marker is 0xD9 or 0xDA) throw Fault(name, "is a JPEG image without a frame header");
            at += 2 + Math.Max((int)BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]), 2);
        }

        throw Fault(name, "is a JPEG image that ends within its header");
    }

    private static (int, int) WebP(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < 30) throw Fault(name, "is a WebP image that ends within its header");
        var kind = bytes[12..16];
        if (kind.SequenceEqual("VP8 "u8)) return (BinaryPrimitives.ReadUInt16LittleEndian(bytes[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]) & 0x3FFF);
        if (kind.SequenceEqual("VP8L"u8))
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(bytes[21..]);
            return ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
        }

        if (kind.SequenceEqual("VP8X"u8)) return ((bytes[24] | bytes[25] << 8 | bytes[26] << 16) + 1, (bytes[27] | bytes[28] << 8 | bytes[29] << 16) + 1);
        throw Fault(name, "is a WebP image of an unknown kind");
    }

    private static int Size(uint length) => length > int.MaxValue ? int.MaxValue : (int)length;
}
