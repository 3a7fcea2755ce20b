using Diffusion.Evaluation;
using static TorchSharp.torch;

namespace TimeSeries;

/// <summary>How far drawn curves are from real ones, beside other real curves: no better can be expected.</summary>
internal static class CurveFigures
{
    public static string Compare(Tensor drawn, Tensor real, Tensor others, Tensor weekdays)
    {
        using var scope = NewDisposeScope();
        var (rest, drawnRest, othersRest) = (Rest(real, weekdays), Rest(drawn, weekdays), Rest(others, weekdays));
        string Row(string name, Func<Tensor, Tensor, double> distance, bool plain) =>
            $"| {name} | {distance(plain ? drawn : drawnRest, plain ? real : rest):f4} | {distance(plain ? others : othersRest, plain ? real : rest):f4} |";
        return string.Join('\n',
            "| distance to real curves | drawn | other real curves |", "| --- | --- | --- |",
            Row("values of an hour, Kolmogorov-Smirnov, mean of hours", HourlyDistance, plain: true),
            Row("whole curves, energy distance", (a, b) => EnergyDistance.Between(a[..Math.Min(2000, (int)a.shape[0])], b[..Math.Min(2000, (int)b.shape[0])]), plain: true),
            Row("autocorrelation around the mean of the weekday, greatest difference over lags", (a, b) => Autocorrelation(a).sub(Autocorrelation(b)).abs().max().item<double>(), plain: false),
            Row("spectrum around the mean of the weekday, mean size of log10 of the ratio", (a, b) => Spectrum(a).div(Spectrum(b)).log10().abs().mean().item<double>(), plain: false));
    }

    /// <summary>Curves less the mean of their weekday, in double precision.</summary>
    private static Tensor Rest(Tensor curves, Tensor weekdays)
    {
        var rest = curves.to(float64, copy: true);
        for (var day = 0; day < 7; day++)
        {
            var rows = weekdays.eq(day).nonzero().flatten();
            var part = rest.index_select(0, rows);
            rest.index_copy_(0, rows, part - part.mean([0L], keepdim: true));
        }

        return rest;
    }

    // The two-sample statistic of each hour, by counting on the pooled values.
    private static double HourlyDistance(Tensor a, Tensor b)
    {
        var (sortedA, sortedB) = (a.t().contiguous().sort(1).Values, b.t().contiguous().sort(1).Values); // [hours, count]
        var pooled = cat([sortedA, sortedB], 1);
        var (shareA, shareB) = (searchsorted(sortedA, pooled, right: true).to(float64) / a.shape[0], searchsorted(sortedB, pooled, right: true).to(float64) / b.shape[0]);
        return (shareA - shareB).abs().amax([1L]).mean().item<double>();
    }

    private static Tensor Autocorrelation(Tensor rest)
    {
        var hours = rest.shape[1];
        var products = Enumerable.Range(0, LoadCurves.Day + 1).Select(lag => (rest.narrow(1, 0, hours - lag) * rest.narrow(1, lag, hours - lag)).mean()).ToArray();
        return stack(products) / products[0];
    }

    private static Tensor Spectrum(Tensor rest) => fft.rfft(rest, dim: 1).abs().square().mean([0L]);
}
