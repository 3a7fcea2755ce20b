using System.Buffers.Binary;

namespace Diffusion.Tests.Hostile;

/// <summary>Damage that knows nothing of the format: bits flipped, bytes lost, repeated, put in or overwritten by numbers that readers stumble over.</summary>
internal static class ByteMutation
{
    private static readonly ulong[] Numbers =
        [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, long.MaxValue, 0x8000000000000000, ulong.MaxValue];

    public static byte[] Apply(byte[] bytes, Random random)
    {
        if (bytes.Length == 0) return Noise(random, 1 + random.Next(40));
        var (at, length) = Range(bytes, random);
        switch (random.Next(7))
        {
            case 0: // bits
                var flipped = (byte[])bytes.Clone();
                for (var n = random.Next(4); n >= 0; n--) flipped[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 1: // the end is missing
                return bytes[..random.Next(bytes.Length)];
            case 2: // a piece is missing
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3: // a piece comes twice, elsewhere
                var to = random.Next(bytes.Length + 1);
                return [.. bytes[..to], .. bytes[at..(at + length)], .. bytes[to..]];
            case 4: // more than there should be
                return [.. bytes, .. Noise(random, 1 + random.Next(40))];
            case 5: // noise
                return [.. bytes[..at], .. Noise(random, length), .. bytes[(at + length)..]];
            default:
                return Overwrite(bytes, at, random);
        }
    }

    /// <summary>Writes a number that readers stumble over, of 1 to 8 bytes in either order, at a place.</summary>
    public static byte[] Overwrite(byte[] bytes, int at, Random random, int? width = null, bool? bigEndian = null)
    {
        Span<byte> number = stackalloc byte[8];
        var value = Numbers[random.Next(Numbers.Length)];
        var size = Math.Min(width ?? 1 << random.Next(4), bytes.Length - at);
        if (bigEndian ?? random.Next(2) == 0) BinaryPrimitives.WriteUInt64BigEndian(number, value << (64 - 8 * size));
        else BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        var result = (byte[])bytes.Clone();
        number[..size].CopyTo(result.AsSpan(at));
        return result;
    }

    public static byte[] Noise(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static (int At, int Length) Range(byte[] bytes, Random random)
    {
        var at = random.Next(bytes.Length);
        return (at, 1 + random.Next(Math.Min(bytes.Length - at, 64)));
    }
}
