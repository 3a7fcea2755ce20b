namespace Diffusion.Imaging;

/// <summary>
/// The structure and size of a PNG, JPEG or WebP image, read in managed code before a native decoder sees the bytes. What passes here is of one of the
/// three formats by its first bytes, is made of parts that lie within it, and claims no more pixels than it could hold.
/// </summary>
internal static class ImageHeader
{
    /// <summary>Width and height.</summary>
    /// <exception cref="InvalidDataException">The bytes are none of the three formats, end within the header, or contradict themselves.</exception>
    public static (int Width, int Height) Read(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.IsEmpty) throw Fault(name, "is empty");
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A])) return PngHeader.Read(bytes, name);
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return JpegHeader.Read(bytes, name);
        if (bytes.StartsWith("RIFF"u8) && bytes.Length >= 12 && bytes[8..12].SequenceEqual("WEBP"u8)) return WebPHeader.Read(bytes, name);
        throw Fault(name, "is not a PNG, JPEG or WebP image");
    }

    public static InvalidDataException Fault(string name, string fault) => new($"'{name}' {fault}.");

    /// <summary>Four letters of a file, whatever they are, for a message.</summary>
    public static string Letters(ReadOnlySpan<byte> four)
    {
        Span<char> letters = stackalloc char[four.Length];
        for (var i = 0; i < four.Length; i++) letters[i] = char.IsAsciiLetterOrDigit((char)four[i]) ? (char)four[i] : '?';
        return new string(letters);
    }
}
