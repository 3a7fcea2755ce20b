using Diffusion.Imaging;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class LineChartTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void ALineRunsWhereItsPointsAre()
    {
        // From the lower left to the upper right: the blue pixels, without the legend and lettering, lie on a straight line.
        var chart = new LineChart { Width = 400, Height = 300 };
        chart.Add("", [0, 10], [0, 5]);
        var (xs, ys) = Blue(chart.Render());
        Assert.InRange(xs.Length, 300, 3000);
        var (left, right) = (xs.Min(), xs.Max());
        var slope = (ys[Array.IndexOf(xs, right)] - ys[Array.IndexOf(xs, left)]) / (double)(right - left);
        Assert.True(slope < -0.5); // y counts from the top
        for (var k = 0; k < xs.Length; k++)
            Assert.InRange(ys[k] - (ys[Array.IndexOf(xs, left)] + slope * (xs[k] - left)), -4, 4);
    }

    [Fact]
    public void OnALogarithmicAxisAPowerIsAStraightLine()
    {
        var x = Enumerable.Range(1, 50).Select(k => k * 20.0).ToArray();
        var chart = new LineChart { Width = 400, Height = 300, LogX = true, LogY = true };
        chart.Add("", x, [.. x.Select(v => Math.Pow(v, -3))]);
        var (xs, ys) = Blue(chart.Render());
        var (left, right) = (xs.Min(), xs.Max());
        var slope = (ys[Array.LastIndexOf(xs, right)] - ys[Array.IndexOf(xs, left)]) / (double)(right - left);
        for (var k = 0; k < xs.Length; k++)
            Assert.InRange(ys[k] - (ys[Array.IndexOf(xs, left)] + slope * (xs[k] - left)), -4, 4);
    }

    [Fact]
    public void PointsThatCannotBeDrawnLeaveAGapAndAPointAloneIsADot()
    {
        var gap = new LineChart { Width = 400, Height = 300 };
        gap.Add("", [0, 1, 2, 3, 4], [1, 1, double.NaN, 1, 1]);
        var columns = Blue(gap.Render()).X.Distinct().Count();
        var whole = new LineChart { Width = 400, Height = 300 };
        whole.Add("", [0, 1, 2, 3, 4], [1, 1, 1, 1, 1]);
        Assert.InRange(columns, 0.4 * Blue(whole.Render()).X.Distinct().Count(), 0.6 * Blue(whole.Render()).X.Distinct().Count());

        var dot = new LineChart();
        dot.Add("", [1], [1]);
        Assert.InRange(Blue(dot.Render()).X.Length, 2, 30);

        var log = new LineChart { LogY = true };
        log.Add("", [1, 2, 3], [0, -1, 5]);
        Assert.InRange(Blue(log.Render()).X.Length, 2, 30);
    }

    [Fact]
    public void TheLegendHasRoomWhereNoCornerIsFree()
    {
        int Ink(string name)
        {
            var chart = new LineChart { Width = 400, Height = 300 };
            double[] x = [0, 0.04, 0.08, 0.92, 0.96, 1]; // three dots in each corner, two at the ends of the axis
            chart.Add(name, [.. x, .. x, 0.5, 0.5], [.. x.Select(_ => 0.05), .. x.Select(_ => 0.95), 0, 1], LineStyle.Points);
            return Blue(chart.Render()).X.Length;
        }
        // All fourteen dots, and one more in the legend; a legend over one corner would hide three.
        Assert.InRange(Ink("points") / (double)Ink(""), 14.5 / 14, 15.5 / 14);
    }

    [Fact]
    public void LegendTitleAndLabelsAddInkAndNothingReachesTheEdge()
    {
        int Ink(LineChart chart)
        {
            chart.Add("", [0, 1], [0, 1]);
            var image = chart.Render();
            Assert.Equal([3, 450, 800], image.shape);
            foreach (var edge in new[] { image[.., 0], image[.., -1], image[.., .., 0], image[.., .., -1] })
                Assert.Equal(1, edge.min().item<float>());
            return (int)image.mean([0]).lt(0).sum().item<long>();
        }
        var bare = Ink(new LineChart());
        Assert.True(Ink(new LineChart { Title = "Training loss" }) > bare + 100);
        Assert.True(Ink(new LineChart { XLabel = "step" }) > bare + 30);
        Assert.True(Ink(new LineChart { YLabel = "loss" }) > bare + 30);
        var named = new LineChart();
        named.Add("a series", [0, 1], [1, 0]);
        Assert.True(Ink(named) > bare + 100);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1e-9, 1e-9)]
    [InlineData(5, 5)]
    [InlineData(0, 0)]
    [InlineData(1e15, 1e15 + 2)]
    [InlineData(-3e7, 8e7)]
    [InlineData(123456, 123467)]
    [InlineData(-1e300, 1e300)]
    public void LinearMarksAreRoundEvenlySpacedAndTellApart(double from, double to) => CheckMarks(new ChartAxis([from, to], log: false, 7), from, to, 2);

    [Theory]
    [InlineData(1e-3, 1)]
    [InlineData(0.231, 0.249)]
    [InlineData(0.5, 3)]
    [InlineData(2, 2)]
    [InlineData(1e-12, 1e12)]
    [InlineData(1e-300, 1e300)]
    [InlineData(0.9, 1100)]
    public void LogarithmicMarksAreRoundAndTellApart(double from, double to) => CheckMarks(new ChartAxis([from, to], log: true, 7), from, to, 2);

    private static void CheckMarks(ChartAxis axis, double from, double to, int least)
    {
        Assert.InRange(axis.Ticks.Length, least, 12);
        Assert.Equal(axis.Ticks.Order(), axis.Ticks);
        Assert.Equal(axis.Ticks.Length, axis.Ticks.Select(axis.Text).Distinct().Count());
        Assert.All(axis.Ticks, tick => Assert.InRange(axis.Place(tick), 0, 1));
        Assert.All(axis.Ticks, tick => Assert.InRange(axis.Text(tick).Length, 1, 18));
        Assert.InRange(axis.Place(from), 0, 1);
        Assert.InRange(axis.Place(to), axis.Place(from), 1);
    }

    [Fact]
    public void MarksAreWrittenShort()
    {
        Assert.Equal(["0", "500", "1000", "1500", "2000"], Texts(0, 2000, false));
        Assert.Equal(["0k", "10k", "20k", "30k"], Texts(0, 30_000, false).Select(t => t == "0" ? "0k" : t));
        Assert.Equal(["-0.2", "-0.1", "0", "0.1", "0.2"], Texts(-0.2, 0.2, false));
        Assert.Equal(["0.001", "0.01", "0.1", "1"], Texts(1e-3, 1, true));
        Assert.Equal(["1e-6", "1e-5", "1e-4", "1e-3"], Texts(1e-6, 1e-3, true));

        static IEnumerable<string> Texts(double from, double to, bool log)
        {
            var axis = new ChartAxis([from, to], log, 5);
            return axis.Ticks.Select(axis.Text);
        }
    }

    [Fact]
    public void EveryPrintableCharacterHasItsOwnLetter()
    {
        var missing = StrokeGlyphs.Of('\u4E00');
        var glyphs = Enumerable.Range(33, 94).Select(code => StrokeGlyphs.Of((char)code)).ToArray();
        Assert.DoesNotContain(missing, glyphs);
        Assert.Equal(94, glyphs.Select(glyph => glyph.Path).Distinct().Count());
        foreach (var (_, path) in glyphs)
        {
            using var parsed = SkiaSharp.SKPath.ParseSvgPathData(path);
            Assert.NotNull(parsed);
            Assert.InRange(parsed.TightBounds.Top, -1.01, 9);
            Assert.InRange(parsed.TightBounds.Bottom, 0, 9.01);
        }
    }

    [Fact]
    public void WhatCannotBeDrawnIsRefused()
    {
        var chart = new LineChart();
        Assert.Contains("nothing to draw", Assert.Throws<InvalidOperationException>(() => chart.Render()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => chart.Add(null!, [1], [1]));
        Assert.Throws<ArgumentNullException>(() => chart.Add("", null!, [1]));
        Assert.Throws<ArgumentException>(() => chart.Add("", [1, 2], [1]));
        Assert.Throws<ArgumentException>(() => chart.Add("", [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => chart.Add("", [1], [1], (LineStyle)7));
        chart.Add("", [1], [double.NaN]);
        Assert.Throws<InvalidOperationException>(() => chart.Render());
        var far = new LineChart();
        far.Add("", [0, 1], [-double.MaxValue, double.MaxValue]);
        Assert.Contains("too far apart", Assert.Throws<InvalidOperationException>(() => far.Render()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LineChart { Width = 199 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new LineChart { Height = 100_000 });
    }

    /// <summary>Pixels of the first series' colour.</summary>
    private static (int[] X, int[] Y) Blue(Tensor image)
    {
        var places = image[2].gt(0.4).logical_and(image[0].lt(-0.4)).nonzero().data<long>().ToArray();
        return ([.. places.Where((_, k) => k % 2 == 1).Select(x => (int)x)], [.. places.Where((_, k) => k % 2 == 0).Select(y => (int)y)]);
    }
}
