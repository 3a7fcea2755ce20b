using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>A plain line chart as a picture: for loss curves, and for figures of documentation. Build it once, then render.</summary>
public sealed class LineChart
{
    private const int Left = 74, Right = 16, Top = 34, Bottom = 46, TextScale = 2;

    private static readonly SKColor[] Colours =
    [
        new(0x1F, 0x5F, 0xBF), new(0xD9, 0x5F, 0x02), new(0x1B, 0x8A, 0x5A), new(0xA0, 0x2C, 0x7A), new(0x66, 0x66, 0x66), new(0xB8, 0x8A, 0x00),
    ];

    private readonly List<(string Name, double[] X, double[] Y)> _series = [];

    /// <summary>What the picture shows.</summary>
    public string Title { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>What the horizontal axis is.</summary>
    public string XLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>Whether the horizontal axis is logarithmic; points at or below 0 are left out.</summary>
    public bool LogX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; points at or below 0 are left out.</summary>
    public bool LogY { get; init; }

    /// <summary>Width in pixels, at least 200.</summary>
    public int Width { get; init => field = value >= 200 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A chart is at least 200 pixels wide."); } = 800;

    /// <summary>Height in pixels, at least 150.</summary>
    public int Height { get; init => field = value >= 150 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A chart is at least 150 pixels high."); } = 450;

    /// <summary>Adds a line; points that are not finite leave a gap.</summary>
    /// <param name="name">Its name in the legend; empty for none.</param>
    /// <param name="x">Horizontal places.</param>
    /// <param name="y">Vertical places, as many.</param>
    /// <exception cref="ArgumentException">There are not as many y as x, or none.</exception>
    public void Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.Count != y.Count || x.Count == 0) throw new ArgumentException($"There are {x.Count} x and {y.Count} y; as many of both are needed, at least one.", nameof(y));
        _series.Add((name, [.. x], [.. y]));
    }

    /// <summary>Draws the chart.</summary>
    /// <returns>[3, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="InvalidOperationException">Nothing was added that can be drawn.</exception>
    public Tensor Render()
    {
        var axisX = AxisOf(_series.SelectMany(s => s.X), LogX);
        var axisY = AxisOf(_series.SelectMany(s => s.Y), LogY);
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap)) DrawLines(canvas, axisX, axisY);

        using var scope = NewDisposeScope();
        var image = tensor(bitmap.GetPixelSpan().ToArray(), uint8).view(Height, Width, 4).permute(2, 0, 1).narrow(0, 0, 3).to(float32).div_(127.5).sub_(1);
        DrawText(image, axisX, axisY);
        return image.MoveToOuterDisposeScope();
    }

    /// <summary>Draws the chart into a file: .png, .jpg or .webp.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var image = Render();
        ImageFile.Write(image, path);
    }

    private static ChartAxis AxisOf(IEnumerable<double> values, bool log)
    {
        var drawn = values.Where(v => double.IsFinite(v) && (!log || v > 0)).ToArray();
        if (drawn.Length == 0) throw new InvalidOperationException("There is nothing to draw: add a line with finite points (positive ones where the axis is logarithmic).");
        return new ChartAxis(drawn.Min(), drawn.Max(), log);
    }

    private float PlaceX(ChartAxis axis, double x) => (float)(Left + axis.Place(x) * (Width - Left - Right));

    private float PlaceY(ChartAxis axis, double y) => (float)(Height - Bottom - axis.Place(y) * (Height - Top - Bottom));

    private void DrawLines(SKCanvas canvas, ChartAxis axisX, ChartAxis axisY)
    {
        canvas.Clear(SKColors.White);
        using var paint = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1, Color = new SKColor(0xDD, 0xDD, 0xDD) };
        foreach (var tick in axisX.Ticks) canvas.DrawLine(PlaceX(axisX, tick), Top, PlaceX(axisX, tick), Height - Bottom, paint);
        foreach (var tick in axisY.Ticks) canvas.DrawLine(Left, PlaceY(axisY, tick), Width - Right, PlaceY(axisY, tick), paint);
        paint.Color = new SKColor(0x44, 0x44, 0x44);
        canvas.DrawRect(Left, Top, Width - Left - Right, Height - Top - Bottom, paint);
        canvas.ClipRect(new SKRect(Left, Top, Width - Right, Height - Bottom));
        for (var s = 0; s < _series.Count; s++)
        {
            paint.Color = Colours[s % Colours.Length];
            paint.StrokeWidth = 2.5f;
            using var builder = new SKPathBuilder();
            var connected = false;
            var (_, xs, ys) = _series[s];
            for (var i = 0; i < xs.Length; i++)
            {
                if (!axisX.Shows(xs[i]) || !axisY.Shows(ys[i])) connected = false;
                else
                {
                    var point = new SKPoint(PlaceX(axisX, xs[i]), PlaceY(axisY, ys[i]));
                    if (connected) builder.LineTo(point);
                    else builder.MoveTo(point);
                    connected = true;
                }
            }

            using var path = builder.Detach();
            canvas.DrawPath(path, paint);
        }
    }

    private void DrawText(Tensor image, ChartAxis axisX, ChartAxis axisY)
    {
        void Put(string text, double left, double top) => PixelFont.Draw(image, text, (int)left, (int)top, -0.6, TextScale);
        var height = PixelFont.Height * TextScale;
        Put(Title, Left, (Top - height) / 2.0);
        Put(XLabel, Left + (Width - Left - Right - PixelFont.Width(XLabel, TextScale)) / 2.0, Height - height - 6);
        foreach (var tick in axisX.Ticks)
        {
            var text = ChartAxis.Text(tick);
            Put(text, Math.Min(PlaceX(axisX, tick) - PixelFont.Width(text, TextScale) / 2.0, Width - 2 - PixelFont.Width(text, TextScale)), Height - Bottom + 5);
        }

        foreach (var tick in axisY.Ticks) Put(ChartAxis.Text(tick), Left - 6 - PixelFont.Width(ChartAxis.Text(tick), TextScale), PlaceY(axisY, tick) - height / 2.0);
        var row = 0;
        for (var s = 0; s < _series.Count; s++)
        {
            var name = _series[s].Name;
            if (name.Length == 0) continue;
            var left = Width - Right - 12 - PixelFont.Width(name, TextScale);
            var top = Top + 8 + row++ * (height + 6);
            Put(name, left, top);
            var colour = Colours[s % Colours.Length];
            using var swatch = image.narrow(1, top + height / 2 - 2, 4).narrow(2, left - 26, 20);
            using var rgb = tensor(new[] { colour.Red / 127.5f - 1, colour.Green / 127.5f - 1, colour.Blue / 127.5f - 1 }).view(3, 1, 1);
            using var _ = swatch.copy_(rgb.expand(3, 4, 20));
        }
    }
}
