using System.Globalization;

namespace Diffusion.Imaging;

/// <summary>One axis of a chart: where a value lies on it, and at which round numbers its marks are.</summary>
internal sealed class ChartAxis
{
    private readonly bool _log;
    private readonly double _from;
    private readonly double _to;

    public ChartAxis(double least, double greatest, bool log)
    {
        _log = log;
        var (from, to) = log ? (Math.Log10(least), Math.Log10(greatest)) : (least, greatest);
        var margin = to > from ? (to - from) * 0.03 : Math.Max(Math.Abs(from) * 0.05, 0.05);
        (_from, _to) = (from - margin, to + margin);
        Ticks = log ? LogTicks() : LinearTicks();
    }

    /// <summary>Round numbers within the axis.</summary>
    public double[] Ticks { get; }

    public bool Shows(double value) => double.IsFinite(value) && (!_log || value > 0);

    /// <summary>0 at the lower end, 1 at the upper.</summary>
    public double Place(double value) => ((_log ? Math.Log10(value) : value) - _from) / (_to - _from);

    /// <summary>A number as short as its digits allow.</summary>
    public static string Text(double value)
    {
        var size = Math.Abs(value);
        if (value == 0) return "0";
        if (size >= 1e6 || size < 1e-3) return value.ToString("0.##e0", CultureInfo.InvariantCulture);
        if (size >= 1000 && Math.Abs(value / 1000 - Math.Round(value / 1000, 1)) < 1e-9) return (value / 1000).ToString("0.#", CultureInfo.InvariantCulture) + "k";
        return value.ToString("0.####", CultureInfo.InvariantCulture);
    }

    private double[] LinearTicks()
    {
        var raw = (_to - _from) / 6;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
        var first = Math.Ceiling(_from / step);
        var count = (int)(Math.Floor(_to / step) - first) + 1;
        return [.. Enumerable.Range(0, count).Select(i => Math.Round((first + i) * step, 12))];
    }

    // Decades, with 2 and 5 between where few fit.
    private double[] LogTicks()
    {
        var factors = _to - _from > 3 ? new[] { 1.0 } : _to - _from > 1.2 ? [1.0, 2, 5] : [1.0, 1.5, 2, 3, 4, 5, 6, 8];
        var decades = Enumerable.Range((int)Math.Floor(_from), (int)(Math.Ceiling(_to) - Math.Floor(_from)) + 1);
        return [.. decades.SelectMany(decade => factors.Select(factor => factor * Math.Pow(10, decade))).Where(tick => Math.Log10(tick) >= _from && Math.Log10(tick) <= _to)];
    }
}
