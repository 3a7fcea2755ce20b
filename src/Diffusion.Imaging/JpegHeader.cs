using System.Buffers.Binary;

namespace Diffusion.Imaging;

/// <summary>The structure of a JPEG image up to its pixels (ITU-T T.81, annex B).</summary>
internal static class JpegHeader
{
    // The component that is sampled most finely takes a bit for each block of 8×8 at the least; the factors of two components may differ by four in each direction.
    private const int GreatestPixelsPerByte = 1024;

    // Segments are a marker and a length; the frame header (SOF) has the size.
    public static (int Width, int Height) Read(ReadOnlySpan<byte> bytes, string name)
    {
        var at = 2;
        while (at + 9 <= bytes.Length)
        {
            if (bytes[at] != 0xFF) throw ImageHeader.Fault(name, $"is a JPEG image with a damaged segment at byte {at}");
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

            if (marker is 0xD9 or 0xDA) throw ImageHeader.Fault(name, "is a JPEG image without a frame header");
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2) throw ImageHeader.Fault(name, $"is a damaged JPEG image: its segment at byte {at} has {length} bytes, less than its own length");
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                if (at + 2 + length > bytes.Length) break;
                return Frame(marker, bytes.Slice(at + 4, length - 2), bytes.Length, name);
            }

            at += 2 + length;
        }

        throw ImageHeader.Fault(name, "is a JPEG image that ends within its header");
    }

    private static (int, int) Frame(byte marker, ReadOnlySpan<byte> frame, int length, string name)
    {
        // Baseline, extended and progressive with Huffman codes. Arithmetic codes, which hardly anything reads, have no least size; lossless and hierarchical images are another format.
        if (marker > 0xC2) throw ImageHeader.Fault(name, $"is a JPEG image of process {marker - 0xC0}; baseline, extended and progressive images with Huffman codes are decoded");
        var components = frame.Length < 6 ? 0 : frame[5];
        if (components is not (1 or 3 or 4) || frame.Length != 6 + 3 * components)
            throw ImageHeader.Fault(name, $"is a damaged JPEG image: its frame of {frame.Length} bytes has {components} components");
        if (frame[0] != 8) throw ImageHeader.Fault(name, $"is a JPEG image of {frame[0]} bits a sample; 8 are decoded");
        for (var i = 0; i < components; i++)
        {
            var (across, down) = (frame[7 + 3 * i] >> 4, frame[7 + 3 * i] & 15);
            if (across is < 1 or > 4 || down is < 1 or > 4) throw ImageHeader.Fault(name, $"is a damaged JPEG image: component {i} has the sampling factors {across} and {down}");
        }

        var (height, width) = (BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), BinaryPrimitives.ReadUInt16BigEndian(frame[3..]));
        if ((long)width * height > (long)length * GreatestPixelsPerByte)
            throw ImageHeader.Fault(name, $"is a damaged JPEG image: {length} bytes cannot hold the {width} × {height} pixels that it claims");
        return (width, height);
    }
}
