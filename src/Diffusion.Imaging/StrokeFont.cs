using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>
/// Text drawn with a round pen. Machines without a display often have no fonts and SkiaSharp brings none, so charts and contact
/// sheets letter themselves; they look the same everywhere. A size is the height of capitals in pixels.
/// </summary>
internal static class StrokeFont
{
    private const float CapHeight = 7, Descent = 2, Spacing = 1.7f, Pen = 0.85f; // in the units of the glyphs

    /// <summary>Width of a text in pixels.</summary>
    public static float Width(string text, float size)
    {
        if (text.Length == 0) return 0;
        var units = text.Sum(character => StrokeGlyphs.Of(character).Width) + Spacing * (text.Length - 1) + Pen;
        return units * size / CapHeight;
    }

    /// <summary>Draws a text from (left, baseline) on.</summary>
    public static void Draw(SKCanvas canvas, string text, float left, float baseline, float size, SKColor colour)
    {
        var scale = size / CapHeight;
        using var paint = new SKPaint
        {
            IsAntialias = true,
            Style = SKPaintStyle.Stroke,
            StrokeCap = SKStrokeCap.Round,
            StrokeJoin = SKStrokeJoin.Round,
            StrokeWidth = Math.Max(Pen, 1.05f / scale), // no thinner than a pixel
            Color = colour,
        };
        canvas.Save();
        canvas.Translate(left, baseline - size);
        canvas.Scale(scale);
        canvas.Translate(Pen / 2, 0);
        foreach (var character in text)
        {
            var (width, outline) = StrokeGlyphs.Of(character);
            if (outline.Length > 0)
            {
                using var path = SKPath.ParseSvgPathData(outline);
                canvas.DrawPath(path, paint);
            }
            canvas.Translate(width + Spacing, 0);
        }
        canvas.Restore();
    }

    /// <summary>Draws a text into [channels, height, width] in place; what lies outside is cut off.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="text">The text.</param>
    /// <param name="left">Where the text begins, in pixels from the left.</param>
    /// <param name="middle">Half the height of its capitals, in pixels from the top.</param>
    /// <param name="size">Height of capitals in pixels.</param>
    /// <param name="value">What the letters are filled with, in the units of the picture.</param>
    public static void Draw(Tensor image, string text, float left, float middle, float size, double value)
    {
        using var scope = NewDisposeScope();
        var rise = size * (1 + Descent / CapHeight); // room above and below the middle
        var (x, y) = (Math.Max((int)left - 1, 0), Math.Max((int)(middle - rise), 0));
        var width = Math.Min((int)Math.Ceiling(Width(text, size)) + 3, (int)image.shape[2] - x);
        var height = Math.Min((int)(2 * rise) + 1, (int)image.shape[1] - y);
        if (width < 1 || height < 1 || text.Length == 0) return;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.Black);
            Draw(canvas, text, left - x, middle + size / 2 - y, size, SKColors.White);
        }
        var share = tensor(bitmap.GetPixelSpan().ToArray(), uint8).view(height, width, 4)[TensorIndex.Ellipsis, 0].to(image.dtype).div_(255);
        var window = image.narrow(1, y, height).narrow(2, x, width);
        window.add_(share * (value - window));
    }
}
