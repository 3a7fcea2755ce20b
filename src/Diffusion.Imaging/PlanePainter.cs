using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>Draws a <see cref="PlaneChart"/> on a canvas: the layers, a frame with marks, the lettering.</summary>
internal sealed class PlanePainter
{
    private const float TickSize = 9, LabelSize = 10, TitleSize = 11;

    private readonly PlaneChart _chart;
    private readonly ChartAxis _axisX;
    private readonly ChartAxis _axisY;
    private readonly SKRect _plot;

    public PlanePainter(PlaneChart chart)
    {
        _chart = chart;
        _axisX = new ChartAxis([chart.Left, chart.Right], log: false, chart.Width / 90.0);
        _axisY = new ChartAxis([chart.Bottom, chart.Top], log: false, chart.Height / 90.0);
        var left = 14 + _axisY.Ticks.Select(_axisY.Text).DefaultIfEmpty("").Max(text => StrokeFont.Width(text, TickSize)) + (chart.YLabel.Length > 0 ? 22 : 0);
        _plot = new SKRect(left, chart.Title.Length > 0 ? 34 : 12, chart.Width - 12, chart.Height - (chart.XLabel.Length > 0 ? 48 : 28));
    }

    public void Draw(SKCanvas canvas, IReadOnlyList<PlaneLayer> layers)
    {
        canvas.Clear(SKColors.White);
        canvas.Save();
        canvas.ClipRect(_plot);
        foreach (var layer in layers)
        {
            switch (layer)
            {
                case PlaneLayer.Heat heat: DrawHeat(canvas, heat); break;
                case PlaneLayer.Points points: DrawPoints(canvas, points); break;
                case PlaneLayer.Arrows arrows: DrawArrows(canvas, arrows); break;
                case PlaneLayer.Paths paths: DrawPaths(canvas, paths); break;
            }
        }

        canvas.Restore();
        DrawFrame(canvas);
    }

    private float PlaceX(double x) => (float)(_plot.Left + _axisX.Place(x) * _plot.Width);

    private float PlaceY(double y) => (float)(_plot.Bottom - _axisY.Place(y) * _plot.Height);

    // As a small picture that is enlarged smoothly.
    private void DrawHeat(SKCanvas canvas, PlaneLayer.Heat heat)
    {
        using var picture = new SKBitmap(new SKImageInfo(heat.Columns, heat.Rows, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var row = 0; row < heat.Rows; row++)
            for (var column = 0; column < heat.Columns; column++)
                picture.SetPixel(column, heat.Rows - 1 - row, ChartColours.OfHeat(heat.Values[row * heat.Columns + column] / heat.Greatest));
        using var image = SKImage.FromBitmap(picture);
        using var paint = new SKPaint();
        var target = new SKRect(PlaceX(_chart.Left), PlaceY(_chart.Top), PlaceX(_chart.Right), PlaceY(_chart.Bottom));
        canvas.DrawImage(image, target, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.None), paint);
    }

    private void DrawPoints(SKCanvas canvas, PlaneLayer.Points points)
    {
        using var paint = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Fill, Color = ChartColours.OfSeries(points.Colour).WithAlpha(0xA0) };
        for (var i = 0; i < points.Places.Length; i += 2) canvas.DrawCircle(PlaceX(points.Places[i]), PlaceY(points.Places[i + 1]), points.Radius, paint);
    }

    private void DrawArrows(SKCanvas canvas, PlaneLayer.Arrows arrows)
    {
        using var paint = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1.3f, StrokeCap = SKStrokeCap.Round, Color = ChartColours.OfSeries(arrows.Colour) };
        for (var i = 0; i < arrows.From.Length; i += 2)
        {
            var (x, y) = (PlaceX(arrows.From[i]), PlaceY(arrows.From[i + 1]));
            var (endX, endY) = (PlaceX(arrows.From[i] + arrows.Along[i]), PlaceY(arrows.From[i + 1] + arrows.Along[i + 1]));
            canvas.DrawLine(x, y, endX, endY, paint);
            var length = MathF.Sqrt((endX - x) * (endX - x) + (endY - y) * (endY - y));
            if (length < 2) continue; // too short for a head
            var head = Math.Min(5, length * 0.45f) / length;
            var (backX, backY) = ((endX - x) * head, (endY - y) * head);
            canvas.DrawLine(endX, endY, endX - backX - 0.55f * backY, endY - backY + 0.55f * backX, paint);
            canvas.DrawLine(endX, endY, endX - backX + 0.55f * backY, endY - backY - 0.55f * backX, paint);
        }
    }

    private void DrawPaths(SKCanvas canvas, PlaneLayer.Paths paths)
    {
        var colour = ChartColours.OfSeries(paths.Colour);
        using var line = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1.1f, StrokeJoin = SKStrokeJoin.Round, Color = colour.WithAlpha(0x80) };
        using var dot = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Fill, Color = colour };
        var size = 2 * paths.PerPath;
        for (var start = 0; start < paths.Places.Length; start += size)
        {
            using var builder = new SKPathBuilder();
            for (var i = start; i < start + size; i += 2)
            {
                var (x, y) = (PlaceX(paths.Places[i]), PlaceY(paths.Places[i + 1]));
                if (i == start) builder.MoveTo(x, y);
                else builder.LineTo(x, y);
            }

            using var path = builder.Detach();
            canvas.DrawPath(path, line);
            canvas.DrawCircle(PlaceX(paths.Places[start + size - 2]), PlaceY(paths.Places[start + size - 1]), 2.4f, dot);
        }
    }

    private void DrawFrame(SKCanvas canvas)
    {
        var ink = ChartColours.Ink;
        using var paint = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1, Color = ink };
        canvas.DrawRect(_plot, paint);
        foreach (var tick in _axisX.Ticks)
        {
            canvas.DrawLine(PlaceX(tick), _plot.Bottom, PlaceX(tick), _plot.Bottom + 4, paint);
            StrokeFont.Draw(canvas, _axisX.Text(tick), PlaceX(tick) - StrokeFont.Width(_axisX.Text(tick), TickSize) / 2, _plot.Bottom + 8 + TickSize, TickSize, ink);
        }

        foreach (var tick in _axisY.Ticks)
        {
            canvas.DrawLine(_plot.Left - 4, PlaceY(tick), _plot.Left, PlaceY(tick), paint);
            StrokeFont.Draw(canvas, _axisY.Text(tick), _plot.Left - 7 - StrokeFont.Width(_axisY.Text(tick), TickSize), PlaceY(tick) + TickSize / 2, TickSize, ink);
        }

        StrokeFont.Draw(canvas, _chart.Title, _plot.Left, 22, TitleSize, ink);
        StrokeFont.Draw(canvas, _chart.XLabel, _plot.MidX - StrokeFont.Width(_chart.XLabel, LabelSize) / 2, _chart.Height - 10, LabelSize, ink);
        canvas.Save();
        canvas.Translate(8 + LabelSize, _plot.MidY + StrokeFont.Width(_chart.YLabel, LabelSize) / 2);
        canvas.RotateDegrees(-90);
        StrokeFont.Draw(canvas, _chart.YLabel, 0, 0, LabelSize, ink);
        canvas.Restore();
    }
}
