using Diffusion.Imaging;
using static TorchSharp.torch;

namespace TimeSeries;

/// <summary>Curves as pictures.</summary>
internal static class Pictures
{
    /// <summary>Real and drawn curves of some weekdays: real ones on the left.</summary>
    public static void Curves(Tensor real, Tensor drawn, Tensor weekdays, string path)
    {
        using var scope = NewDisposeScope();
        var panels = new[] { 0, 4, 6 }.SelectMany(day => new[] { (Name: "real", Curves: real), (Name: "drawn", Curves: drawn) }.Select(kind => Panel(kind.Curves, weekdays, day, kind.Name)));
        ImageFile.Write(ImageGrid.Make(stack([.. panels]), columns: 2, padding: 6), path);
    }

    public static double[] Numbers(Tensor curve) => curve.to(float64).contiguous().data<double>().ToArray();

    private static Tensor Panel(Tensor curves, Tensor weekdays, int day, string kind)
    {
        double[] hours = [.. Enumerable.Range(0, LoadCurves.Hours).Select(hour => (double)hour)];
        var of = curves.index_select(0, weekdays.eq(day).nonzero().flatten());
        var chart = new LineChart { Title = $"{LoadCurves.Weekdays[day]} and the day after, {kind}", XLabel = "hour", YLabel = "load", Width = 560, Height = 300 };
        for (var k = 0; k < Math.Min(25, (int)of.shape[0]); k++) chart.Add("", hours, Numbers(of[k]), LineStyle.Faint);
        chart.Add("mean", hours, Numbers(of.mean([0L])));
        return chart.Render();
    }
}
