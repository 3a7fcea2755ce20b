using Diffusion.Imaging;
using static TorchSharp.torch;

namespace TimeSeries;

/// <summary>The second day from the first: many ways to go on, of curves that the model has not seen.</summary>
internal sealed class Forecast : IDisposable
{
    private readonly Tensor _curves, _weekdays, _ways; // [curves, 48], [curves], [curves, ways, 48]

    public Forecast(CurveModel model, Tensor curves, Tensor weekdays, int ways, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var known = arange(LoadCurves.Hours, dtype: int64).lt(LoadCurves.Day);
        var completed = model.Complete(curves.repeat_interleave(ways, 0), weekdays.repeat_interleave(ways, 0), known, seed: 3, cancellation);
        _ways = completed.view(curves.shape[0], ways, LoadCurves.Hours).DetachFromDisposeScope();
        (_curves, _weekdays) = (curves.alias().DetachFromDisposeScope(), weekdays.alias().DetachFromDisposeScope());
    }

    /// <summary>How good the forecast is, beside two that need no model.</summary>
    /// <param name="past">Curves that the model was trained on, and their weekdays.</param>
    public string Figures((Tensor Curves, Tensor Weekdays) past)
    {
        using var scope = NewDisposeScope();
        var (truth, ahead) = (Second(_curves), Second(_ways));
        var usual = stack([.. _weekdays.data<long>().ToArray().Select(day => Second(past.Curves.index_select(0, past.Weekdays.eq(day).nonzero().flatten())).mean([0L]))]);
        var (low, high) = (Quantile(ahead, 0.1), Quantile(ahead, 0.9));
        var inside = truth.ge(low).logical_and(truth.le(high)).to(float32).mean().item<float>();
        double Error(Tensor guess) => (guess - truth).abs().mean().item<float>();
        return $"Second day from the first, mean error of an hour: median of the forecast {Error(Quantile(ahead, 0.5)):f3}; the weekday's usual curve {Error(usual):f3}; the first day again {Error(_curves.narrow(1, 0, LoadCurves.Day)):f3}.\n"
            + $"{inside:p1} of the true hours lie between the 10 % and 90 % quantiles of the forecast (ideal: 80 %), which are {(high - low).mean().item<float>():f3} apart.";
    }

    public void Draw(string path, IReadOnlyList<int> which)
    {
        using var scope = NewDisposeScope();
        double[] hours = [.. Enumerable.Range(0, LoadCurves.Hours).Select(hour => (double)hour)], second = hours[LoadCurves.Day..];
        var charts = which.Select(k =>
        {
            var chart = new LineChart { Title = $"{LoadCurves.Weekdays[_weekdays[k].item<long>()]} is known; what will the next day be?", XLabel = "hour", YLabel = "load", Width = 640, Height = 360 };
            chart.Add("known", hours[..LoadCurves.Day], Pictures.Numbers(_curves[k])[..LoadCurves.Day]);
            for (var way = 0; way < Math.Min(40, (int)_ways.shape[1]); way++) chart.Add("", second, Pictures.Numbers(_ways[k][way])[LoadCurves.Day..], LineStyle.Faint);
            chart.Add("median of the ways to go on", second, Pictures.Numbers(Quantile(Second(_ways), 0.5)[k]));
            chart.Add("what it was", second, Pictures.Numbers(_curves[k])[LoadCurves.Day..], LineStyle.Points);
            return chart.Render();
        }).ToArray();
        ImageFile.Write(ImageGrid.Make(stack(charts), columns: 2, padding: 6), path);
    }

    public void Dispose()
    {
        _curves.Dispose();
        _weekdays.Dispose();
        _ways.Dispose();
    }

    private static Tensor Second(Tensor curves) => curves.narrow(-1, LoadCurves.Day, LoadCurves.Day);

    // Over the ways.
    private static Tensor Quantile(Tensor ahead, double share) => ahead.sort(1).Values.select(1, (long)Math.Round(share * (ahead.shape[1] - 1)));
}
