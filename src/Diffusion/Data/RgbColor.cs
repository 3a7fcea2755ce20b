namespace Diffusion.Data;

/// <summary>A colour as pixels hold it: sRGB channels in [−1, 1], where −1 is dark and 1 is full.</summary>
/// <param name="Red">Red in [−1, 1].</param>
/// <param name="Green">Green in [−1, 1].</param>
/// <param name="Blue">Blue in [−1, 1].</param>
public readonly record struct RgbColor(float Red, float Green, float Blue)
{
    /// <summary>A colour by lightness, chroma and hue, in which equal steps look equal (OKLCH; Ottosson 2020, "A perceptual color space").</summary>
    /// <param name="lightness">0 is black, 1 is white.</param>
    /// <param name="chroma">0 is grey; about 0.2 is vivid. What exceeds the colours of a screen is cut off.</param>
    /// <param name="hue">Angle in radians: red near 0.5, yellow near 1.9, green near 2.5, blue near 4.6.</param>
    public static RgbColor FromOklch(double lightness, double chroma, double hue)
    {
        var (a, b) = (chroma * Math.Cos(hue), chroma * Math.Sin(hue));
        // Cone responses, stored as cube roots.
        var l = Math.Pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
        var m = Math.Pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
        var s = Math.Pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
        return new RgbColor(
            Encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            Encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            Encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
    }

    /// <summary>Linear light in [0, 1] to an sRGB pixel (IEC 61966-2-1).</summary>
    private static float Encode(double linear)
    {
        var c = Math.Clamp(linear, 0, 1);
        return (float)(2 * (c <= 0.0031308 ? 12.92 * c : 1.055 * Math.Pow(c, 1 / 2.4) - 0.055) - 1);
    }
}
