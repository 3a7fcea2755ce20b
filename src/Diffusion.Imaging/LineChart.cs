using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>
/// A chart as a picture, for loss curves and for the figures of documentation: lines and points over two axes, each linear or
/// logarithmic. It needs no fonts, so it looks the same on every machine.
/// </summary>
/// <remarks>
/// <code>
/// var chart = new LineChart { Title = "Training loss", XLabel = "step", LogY = true };
/// chart.Add("each step", steps, losses, LineStyle.Faint);
/// chart.Add("average", steps, averages);
/// chart.Write("loss.png");
/// </code>
/// Not for several threads at once.
/// </remarks>
public sealed class LineChart
{
    private readonly List<ChartSeries> _series = [];
    private int _colour;

    /// <summary>What the picture shows.</summary>
    public string Title { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>What the horizontal axis is.</summary>
    public string XLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>What the vertical axis is.</summary>
    public string YLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>Whether the horizontal axis is logarithmic; points at or below 0 are left out.</summary>
    public bool LogX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; points at or below 0 are left out.</summary>
    public bool LogY { get; init; }

    /// <summary>Width in pixels, 200 to 8192. Default 800.</summary>
    public int Width { get; init => field = Checked(value, 200); } = 800;

    /// <summary>Height in pixels, 150 to 8192. Default 450.</summary>
    public int Height { get; init => field = Checked(value, 150); } = 450;

    /// <summary>Adds a series. Points that are not finite leave a gap.</summary>
    /// <param name="name">Its name in the legend; empty for none.</param>
    /// <param name="x">Horizontal places, at least one.</param>
    /// <param name="y">Vertical places, as many.</param>
    /// <param name="style">How it is drawn.</param>
    /// <exception cref="ArgumentException">There are not as many y as x, or none.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such style.</exception>
    public void Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y, LineStyle style = LineStyle.Solid)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.Count != y.Count || x.Count == 0) throw new ArgumentException($"There are {x.Count} x and {y.Count} y; as many of both are needed, at least one.", nameof(y));
        if (!Enum.IsDefined(style)) throw new ArgumentOutOfRangeException(nameof(style), style, "There is no such style.");
        _series.Add(new ChartSeries(name, [.. x], [.. y], style, _colour));
        if (style != LineStyle.Faint) _colour++;
    }

    /// <summary>Draws the chart.</summary>
    /// <returns>[3, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="InvalidOperationException">Nothing was added that can be drawn, or the values are too far apart.</exception>
    public Tensor Render()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap)) new ChartPainter(this, _series).Draw(canvas);
        return PixelLayout.FromRgba(bitmap.GetPixelSpan(), Width, Height, channels: 3);
    }

    /// <summary>Draws the chart into a file: .png, .jpg or .webp.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <exception cref="ArgumentException">The extension is another.</exception>
    /// <exception cref="InvalidOperationException">Nothing was added that can be drawn, or the values are too far apart.</exception>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var image = Render();
        ImageFile.Write(image, path);
    }

    private static int Checked(int pixels, int least)
    {
        if (pixels < least || pixels > 8192) throw new ArgumentOutOfRangeException(nameof(pixels), pixels, $"This side of a chart is {least} to 8192 pixels long.");
        return pixels;
    }
}
