using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>Draws a chart on a canvas: the grid, the series, the lettering and the legend.</summary>
internal sealed class ChartPainter
{
    private const float TickSize = 9, LabelSize = 10, TitleSize = 12, LegendRow = 20, Swatch = 26;

    private readonly LineChart _chart;
    private readonly IReadOnlyList<ChartSeries> _series;
    private readonly ChartAxis _axisX;
    private readonly ChartAxis _axisY;
    private readonly SKRect _plot;

    public ChartPainter(LineChart chart, IReadOnlyList<ChartSeries> series)
    {
        (_chart, _series) = (chart, series);
        _axisX = new ChartAxis(series.SelectMany(s => s.X.Where((_, i) => double.IsFinite(s.Y[i]))), chart.LogX, chart.Width / 100.0);
        _axisY = new ChartAxis(series.SelectMany(s => s.Y.Where((_, i) => _axisX.Shows(s.X[i]))), chart.LogY, chart.Height / 60.0);
        var left = 22 + _axisY.Ticks.Select(_axisY.Text).DefaultIfEmpty("").Max(text => StrokeFont.Width(text, TickSize)) + (chart.YLabel.Length > 0 ? 22 : 0);
        var top = chart.Title.Length > 0 ? 42 : 16;
        var bottom = chart.XLabel.Length > 0 ? 52 : 30;
        _plot = new SKRect(left, top, chart.Width - 20, chart.Height - bottom);
    }

    public void Draw(SKCanvas canvas)
    {
        canvas.Clear(SKColors.White);
        DrawGrid(canvas);
        canvas.Save();
        canvas.ClipRect(_plot);
        foreach (var series in _series) DrawSeries(canvas, series);
        canvas.Restore();
        DrawLettering(canvas);
        DrawLegend(canvas);
    }

    private float PlaceX(double x) => (float)(_plot.Left + _axisX.Place(x) * _plot.Width);

    private float PlaceY(double y) => (float)(_plot.Bottom - _axisY.Place(y) * _plot.Height);

    private void DrawGrid(SKCanvas canvas)
    {
        using var paint = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1, Color = ChartColours.FaintGrid };
        void Lines(double[] xs, double[] ys)
        {
            foreach (var x in xs) canvas.DrawLine(PlaceX(x), _plot.Top, PlaceX(x), _plot.Bottom, paint);
            foreach (var y in ys) canvas.DrawLine(_plot.Left, PlaceY(y), _plot.Right, PlaceY(y), paint);
        }
        Lines(_axisX.Minor, _axisY.Minor);
        paint.Color = ChartColours.Grid;
        Lines(_axisX.Ticks, _axisY.Ticks);
        paint.Color = ChartColours.Ink;
        canvas.DrawLine(_plot.Left, _plot.Top, _plot.Left, _plot.Bottom, paint);
        canvas.DrawLine(_plot.Left, _plot.Bottom, _plot.Right, _plot.Bottom, paint);
    }

    private void DrawSeries(SKCanvas canvas, ChartSeries series)
    {
        using var paint = PenOf(series);
        using var builder = new SKPathBuilder();
        var connected = false;
        for (var i = 0; i < series.X.Length; i++)
        {
            if (!_axisX.Shows(series.X[i]) || !_axisY.Shows(series.Y[i]))
            {
                connected = false;
                continue;
            }
            var (x, y) = (PlaceX(series.X[i]), PlaceY(series.Y[i]));
            if (!connected) builder.MoveTo(x, y);
            builder.LineTo(x, y); // at the start too, so that a point alone is a dot
            connected = series.Style != LineStyle.Points;
        }
        using var path = builder.Detach();
        canvas.DrawPath(path, paint);
    }

    private static SKPaint PenOf(ChartSeries series) => new()
    {
        IsAntialias = true,
        Style = SKPaintStyle.Stroke,
        StrokeCap = SKStrokeCap.Round,
        StrokeJoin = SKStrokeJoin.Round,
        StrokeWidth = series.Style switch { LineStyle.Faint => 1.2f, LineStyle.Points => 6, _ => 2.4f },
        Color = ChartColours.OfSeries(series.Colour).WithAlpha((byte)(series.Style == LineStyle.Faint ? 0x78 : 0xFF)),
    };

    private void DrawLettering(SKCanvas canvas)
    {
        StrokeFont.Draw(canvas, _chart.Title, _plot.Left, 28, TitleSize, ChartColours.Ink);
        StrokeFont.Draw(canvas, _chart.XLabel, _plot.MidX - StrokeFont.Width(_chart.XLabel, LabelSize) / 2, _chart.Height - 12, LabelSize, ChartColours.Ink);
        canvas.Save();
        canvas.Translate(12 + LabelSize, _plot.MidY + StrokeFont.Width(_chart.YLabel, LabelSize) / 2);
        canvas.RotateDegrees(-90);
        StrokeFont.Draw(canvas, _chart.YLabel, 0, 0, LabelSize, ChartColours.Ink);
        canvas.Restore();
        foreach (var tick in _axisX.Ticks)
        {
            var width = StrokeFont.Width(_axisX.Text(tick), TickSize);
            StrokeFont.Draw(canvas, _axisX.Text(tick), Math.Min(PlaceX(tick) - width / 2, _chart.Width - width - 2), _plot.Bottom + 8 + TickSize, TickSize, ChartColours.Ink);
        }
        foreach (var tick in _axisY.Ticks)
        {
            var width = StrokeFont.Width(_axisY.Text(tick), TickSize);
            StrokeFont.Draw(canvas, _axisY.Text(tick), _plot.Left - 8 - width, PlaceY(tick) + TickSize / 2, TickSize, ChartColours.Ink);
        }
    }

    private void DrawLegend(SKCanvas canvas)
    {
        var named = _series.Where(s => s.Name.Length > 0).ToArray();
        if (named.Length == 0) return;
        var width = Swatch + 24 + named.Max(s => StrokeFont.Width(s.Name, TickSize));
        var box = QuietestCorner(width, named.Length * LegendRow + 8);
        using var fill = new SKPaint { Color = SKColors.White.WithAlpha(0xD8) };
        canvas.DrawRect(box, fill);
        for (var k = 0; k < named.Length; k++)
        {
            var y = box.Top + 4 + (k + 0.5f) * LegendRow;
            using var pen = PenOf(named[k]);
            var (from, to) = (box.Left + 8, box.Left + 8 + Swatch);
            if (named[k].Style == LineStyle.Points) from = to = (from + to) / 2;
            canvas.DrawLine(from, y, to, y, pen);
            StrokeFont.Draw(canvas, named[k].Name, box.Left + 16 + Swatch, y + TickSize / 2, TickSize, ChartColours.Ink);
        }
    }

    /// <summary>The corner of the plot in which the fewest points lie.</summary>
    private SKRect QuietestCorner(float width, float height)
    {
        const float Gap = 8;
        var points = _series.SelectMany(s => s.X.Zip(s.Y)).Where(p => _axisX.Shows(p.First) && _axisY.Shows(p.Second))
            .Select(p => new SKPoint(PlaceX(p.First), PlaceY(p.Second))).ToArray();
        var (left, right) = (_plot.Left + Gap, _plot.Right - Gap - width);
        var (top, bottom) = (_plot.Top + Gap, _plot.Bottom - Gap - height);
        SKPoint[] corners = [new(right, top), new(left, top), new(right, bottom), new(left, bottom)];
        return corners.Select(corner => SKRect.Create(corner.X, corner.Y, width, height)).MinBy(box => points.Count(box.Contains));
    }
}
