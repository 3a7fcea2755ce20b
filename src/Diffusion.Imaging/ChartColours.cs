using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>The colours of charts.</summary>
internal static class ChartColours
{
    // Told apart also by those who see red and green alike, and in grey.
    private static readonly SKColor[] _series =
    [
        new(0x1F, 0x5F, 0xBF), new(0xD9, 0x5F, 0x02), new(0x1B, 0x8A, 0x5A), new(0xA0, 0x2C, 0x7A), new(0x55, 0x55, 0x5E), new(0xB8, 0x8A, 0x00),
    ];

    // From paper through blue to ink, of falling lightness throughout, so that it reads in grey too.
    private static readonly SKColor[] _heat =
    [
        new(0xFF, 0xFF, 0xFF), new(0xE1, 0xEC, 0xF7), new(0xB3, 0xD1, 0xEA), new(0x78, 0xAF, 0xD9), new(0x3F, 0x87, 0xC2), new(0x1B, 0x5A, 0x9C), new(0x0B, 0x2F, 0x66),
    ];

    public static SKColor Ink { get; } = new(0x33, 0x33, 0x3A);

    public static SKColor Grid { get; } = new(0xDD, 0xDF, 0xE4);

    public static SKColor FaintGrid { get; } = new(0xF0, 0xF1, 0xF4);

    /// <summary>The colour of a series, round again after the last.</summary>
    public static SKColor OfSeries(int index) => _series[index % _series.Length];

    /// <summary>The colour of a value in [0, 1]; what lies beyond gets that of the nearer end.</summary>
    public static SKColor OfHeat(double value)
    {
        var place = Math.Clamp(value, 0, 1) * (_heat.Length - 1);
        var below = Math.Min((int)place, _heat.Length - 2);
        var share = place - below;
        byte Mix(byte a, byte b) => (byte)Math.Round(a + (b - a) * share);
        var (from, to) = (_heat[below], _heat[below + 1]);
        return new SKColor(Mix(from.Red, to.Red), Mix(from.Green, to.Green), Mix(from.Blue, to.Blue));
    }
}
