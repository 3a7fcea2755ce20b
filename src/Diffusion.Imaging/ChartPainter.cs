using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>Draws a chart on a canvas: the grid, the series, the lettering and the legend.</summary>
internal sealed class ChartPainter
{
    private const float TickSize = 9, LabelSize = 10, TitleSize = 12, LegendRow = 20, Swatch = 26, Gap = 8;

    private readonly LineChart _chart;
    private readonly IReadOnlyList<ChartSeries> _series;
    private readonly ChartAxis _axisX;
    private readonly ChartAxis _axisY;
    private readonly SKRect _plot;
    private readonly ChartSeries[] _named;
    private readonly SKRect _legend;

    public ChartPainter(LineChart chart, IReadOnlyList<ChartSeries> series)
    {
        (_chart, _series) = (chart, series);
        _named = [.. series.Where(s => s.Name.Length > 0)];
        _axisX = new ChartAxis(series.SelectMany(s => s.X.Where((_, i) => double.IsFinite(s.Y[i]))), chart.LogX, chart.Width / 100.0);
        (_axisY, _plot) = Measure(headroom: 0);
        if (_named.Length == 0) return;
        (_legend, var covered) = QuietestCorner();
        if (!covered) return;
        // No corner is free: the axis goes on upwards until the legend has room above everything.
        (_axisY, _plot) = Measure(headroom: Math.Min(0.5, (_legend.Height + Gap) / _plot.Height));
        (_legend, _) = QuietestCorner();
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
        if (_named.Length > 0) DrawLegend(canvas);
    }

    private (ChartAxis AxisY, SKRect Plot) Measure(double headroom)
    {
        var axis = new ChartAxis(_series.SelectMany(s => s.Y.Where((_, i) => _axisX.Shows(s.X[i]))), _chart.LogY, _chart.Height / 60.0, headroom);
        var left = 22 + axis.Ticks.Select(axis.Text).DefaultIfEmpty("").Max(text => StrokeFont.Width(text, TickSize)) + (_chart.YLabel.Length > 0 ? 22 : 0);
        var (top, bottom) = (_chart.Title.Length > 0 ? 42 : 16, _chart.XLabel.Length > 0 ? 52 : 30);
        return (axis, new SKRect(left, top, _chart.Width - 20, _chart.Height - bottom));
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
        using var fill = new SKPaint { Color = SKColors.White.WithAlpha(0xD8) };
        canvas.DrawRect(_legend, fill);
        for (var k = 0; k < _named.Length; k++)
        {
            var y = _legend.Top + 4 + (k + 0.5f) * LegendRow;
            using var pen = PenOf(_named[k]);
            var (from, to) = (_legend.Left + 8, _legend.Left + 8 + Swatch);
            if (_named[k].Style == LineStyle.Points) from = to = (from + to) / 2;
            canvas.DrawLine(from, y, to, y, pen);
            StrokeFont.Draw(canvas, _named[k].Name, _legend.Left + 16 + Swatch, y + TickSize / 2, TickSize, ChartColours.Ink);
        }
    }

    /// <summary>The corner of the plot in which the fewest points lie, and whether any do.</summary>
    private (SKRect Box, bool Covers) QuietestCorner()
    {
        var size = new SKSize(Swatch + 24 + _named.Max(s => StrokeFont.Width(s.Name, TickSize)), _named.Length * LegendRow + 8);
        var points = _series.SelectMany(s => s.X.Zip(s.Y)).Where(p => _axisX.Shows(p.First) && _axisY.Shows(p.Second))
            .Select(p => new SKPoint(PlaceX(p.First), PlaceY(p.Second))).ToArray();
        var (left, right) = (_plot.Left + Gap, _plot.Right - Gap - size.Width);
        var (top, bottom) = (_plot.Top + Gap, _plot.Bottom - Gap - size.Height);
        SKPoint[] corners = [new(right, top), new(left, top), new(right, bottom), new(left, bottom)];
        var box = corners.Select(corner => SKRect.Create(corner, size)).MinBy(box => points.Count(box.Contains));
        return (box, points.Any(box.Contains));
    }
}
