namespace Diffusion.Imaging;

/// <summary>
/// Text of 5 × 7 pixels, drawn into tensors: SkiaSharp's build for machines without a display brings no font. Covers ASCII letters,
/// digits and common marks; anything else is a blank.
/// </summary>
internal static class PixelFont
{
    public const int Height = 7;

    private const int GlyphWidth = 5, Advance = 6;

    // 35 bits a glyph, row by row from the top left.
    private static readonly Dictionary<char, long> Glyphs = new()
    {
        ['0'] = 0x3A33AE62E,
        ['1'] = 0x11842108E,
        ['2'] = 0x3A213221F,
        ['3'] = 0x78217043E,
        ['4'] = 0x08CA97C42,
        ['5'] = 0x7E1E0862E,
        ['6'] = 0x1910F462E,
        ['7'] = 0x7C2222108,
        ['8'] = 0x3A317462E,
        ['9'] = 0x3A317844C,
        ['A'] = 0x3A31FC631,
        ['B'] = 0x7A31F463E,
        ['C'] = 0x3A308422E,
        ['D'] = 0x7A318C63E,
        ['E'] = 0x7E10F421F,
        ['F'] = 0x7E10F4210,
        ['G'] = 0x3A30BC62F,
        ['H'] = 0x4631FC631,
        ['I'] = 0x38842108E,
        ['J'] = 0x1C4210A4C,
        ['K'] = 0x4654C5251,
        ['L'] = 0x42108421F,
        ['M'] = 0x4775AC631,
        ['N'] = 0x47359C631,
        ['O'] = 0x3A318C62E,
        ['P'] = 0x7A31F4210,
        ['Q'] = 0x3A318D64D,
        ['R'] = 0x7A31F5251,
        ['S'] = 0x3E107043E,
        ['T'] = 0x7C8421084,
        ['U'] = 0x46318C62E,
        ['V'] = 0x46318C544,
        ['W'] = 0x4631AD771,
        ['X'] = 0x462A22A31,
        ['Y'] = 0x462A21084,
        ['Z'] = 0x7C222221F,
        ['a'] = 0x000E0BE2F,
        ['b'] = 0x421E8C63E,
        ['c'] = 0x000F8420F,
        ['d'] = 0x042F8C62F,
        ['e'] = 0x000E8FE0E,
        ['f'] = 0x1928E2108,
        ['g'] = 0x01F18BC2E,
        ['h'] = 0x4216CC631,
        ['i'] = 0x100C2108E,
        ['j'] = 0x080610A4C,
        ['k'] = 0x4212A6292,
        ['l'] = 0x30842108E,
        ['m'] = 0x001AAD6B5,
        ['n'] = 0x0016CC631,
        ['o'] = 0x000E8C62E,
        ['p'] = 0x001E8FA10,
        ['q'] = 0x000F8BC21,
        ['r'] = 0x0016CC210,
        ['s'] = 0x000F8383E,
        ['t'] = 0x211C42126,
        ['u'] = 0x00118C66D,
        ['v'] = 0x00118C544,
        ['w'] = 0x00118D6AA,
        ['x'] = 0x001151151,
        ['y'] = 0x00118BC2E,
        ['z'] = 0x001F1111F,
        ['.'] = 0x00000018C,
        [','] = 0x000001088,
        [':'] = 0x018C03180,
        ['-'] = 0x0000F8000,
        ['+'] = 0x0084F9080,
        ['/'] = 0x042222210,
        ['%'] = 0x672222273,
        ['('] = 0x088842082,
        [')'] = 0x208210888,
        ['='] = 0x001F07C00,
        ['^'] = 0x115100000,
        ['_'] = 0x00000001F,
    };

    /// <summary>Width of a text in pixels.</summary>
    public static int Width(string text, int scale = 1) => Math.Max(text.Length * Advance - 1, 0) * scale;

    /// <summary>Draws a text with its top left corner at (left, top); what lies outside is cut off.</summary>
    public static void Draw(Tensor image, string text, int left, int top, double value, int scale = 1)
    {
        var (height, width) = ((int)image.shape[1], (int)image.shape[2]);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Glyphs.TryGetValue(text[i], out var glyph)) continue;
            for (var bit = 0; bit < GlyphWidth * Height; bit++)
            {
                if ((glyph >> (GlyphWidth * Height - 1 - bit) & 1) == 0) continue;
                var (x, y) = (left + (i * Advance + bit % GlyphWidth) * scale, top + bit / GlyphWidth * scale);
                if (x < 0 || y < 0 || x + scale > width || y + scale > height) continue;
                using var dot = image.narrow(1, y, scale).narrow(2, x, scale);
                dot.fill_(value);
            }
        }
    }
}
