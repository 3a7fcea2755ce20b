using System.Buffers.Binary;
using System.IO.Compression;

namespace Diffusion.Tests.Imaging;

/// <summary>PNG files made chunk by chunk, for what an encoder would never write.</summary>
internal static class Pngs
{
    /// <summary>A PNG of 8-bit samples: 0 is grey, 2 colour, 6 colour and opacity.</summary>
    public static byte[] Make(int width, int height, byte colourType, byte[] samples, params (string Type, byte[] Data)[] extra)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, colourType);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest))
        {
            foreach (var row in samples.Chunk(Math.Max(samples.Length / height, 1)))
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(row);
            }
        }
        return
        [
            0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A,
            .. Chunk("IHDR", header), .. extra.SelectMany(e => Chunk(e.Type, e.Data)), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", []),
        ];
    }

    public static byte[] Chunk(string type, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var k = 0; k < 8; k++) crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }
}
