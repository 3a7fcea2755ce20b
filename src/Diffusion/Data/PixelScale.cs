namespace Diffusion.Data;

/// <summary>The scale of pixels: bytes 0 … 255 ⇄ numbers −1 … 1. Every byte survives the way there and back.</summary>
public static class PixelScale
{
    private static readonly float[] LevelTable = [.. Enumerable.Range(0, 256).Select(level => level / 127.5f - 1f)];

    /// <summary>The value of a byte: level / 127.5 − 1.</summary>
    public static float FromByte(byte level) => LevelTable[level];

    /// <summary>The values of bytes.</summary>
    /// <exception cref="ArgumentException">The spans differ in length.</exception>
    public static void FromBytes(ReadOnlySpan<byte> levels, Span<float> values)
    {
        if (levels.Length != values.Length)
            throw new ArgumentException($"There are {levels.Length} bytes and room for {values.Length} values.", nameof(values));
        var table = LevelTable;
        for (var i = 0; i < levels.Length; i++) values[i] = table[levels[i]];
    }

    /// <summary>The byte nearest to a value; values beyond −1 and 1 become 0 and 255.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a number.</exception>
    public static byte ToByte(float value)
    {
        if (float.IsNaN(value)) throw new ArgumentOutOfRangeException(nameof(value), value, "A pixel must be a number.");
        return (byte)Math.Clamp(MathF.Round(value * 127.5f + 127.5f), 0f, 255f);
    }
}
