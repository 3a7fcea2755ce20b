using System.Globalization;

namespace Diffusion.Imaging;

/// <summary>One axis of a chart: where a value lies on it, and at which round numbers its marks are.</summary>
internal sealed class ChartAxis
{
    private readonly bool _log;
    private readonly double _from; // logarithms to base 10 on a logarithmic axis
    private readonly double _to;
    private readonly double _step; // between marks; 0 where they follow decades

    /// <param name="values">What is to be shown.</param>
    /// <param name="log">Whether the axis is logarithmic.</param>
    /// <param name="marks">About how many marks there is room for.</param>
    /// <param name="headroom">The share of the axis to leave free at its upper end.</param>
    public ChartAxis(IEnumerable<double> values, bool log, double marks, double headroom = 0)
    {
        _log = log;
        var shown = values.Where(Shows).Select(value => log ? Math.Log10(value) : value).ToArray();
        if (shown.Length == 0)
            throw new InvalidOperationException("There is nothing to draw: add a series with finite points (positive ones where the axis is logarithmic).");
        var (least, greatest) = (shown.Min(), shown.Max());
        if (!double.IsFinite((greatest - least) * 2))
            throw new InvalidOperationException($"The values from {least:g3} to {greatest:g3} are too far apart to draw.");
        var size = Math.Max(Math.Abs(least), Math.Abs(greatest));
        // A single value, or as good as one, gets an axis around it.
        var margin = greatest - least > size * 1e-9 ? (greatest - least) * 0.03 : log ? 0.1 : size > 0 ? size * 0.1 : 1;
        (_from, _to) = (least - margin, greatest + margin);
        _to += (_to - _from) * headroom / (1 - headroom);

        if (log && _to - _from > 1)
        {
            Ticks = Decades(marks);
            Minor = _to - _from > 8 ? [] : [.. Within(Powers(1).SelectMany(power => Enumerable.Range(2, 8).Select(factor => factor * power)))];
            return;
        }
        var (low, high) = log ? (Math.Pow(10, _from), Math.Pow(10, _to)) : (_from, _to);
        _step = RoundStep((high - low) / marks);
        var first = Math.Ceiling(low / _step);
        var count = (int)(Math.Floor(high / _step) - first) + 1;
        Ticks = [.. Enumerable.Range(0, count).Select(k => (first + k) * _step)];
        Minor = [];
    }

    /// <summary>Round numbers within the axis.</summary>
    public double[] Ticks { get; }

    /// <summary>Numbers between them that get a faint line.</summary>
    public double[] Minor { get; }

    public bool Shows(double value) => double.IsFinite(value) && (!_log || value > 0);

    /// <summary>0 at the lower end, 1 at the upper.</summary>
    public double Place(double value) => ((_log ? Math.Log10(value) : value) - _from) / (_to - _from);

    /// <summary>A mark in as many digits as tell it from its neighbours.</summary>
    public string Text(double tick)
    {
        if (Math.Abs(tick) < _step * 1e-6) return "0";
        var step = _step > 0 ? _step : Math.Abs(tick);
        var power = (int)Math.Floor(Math.Log10(step) + 1e-9); // of the last digit that counts
        var greatest = Ticks.Max(Math.Abs);
        if (_step > 0 && greatest is >= 10_000 and < 10_000_000 && power >= 2) return Fixed(tick / 1000, 3 - power) + "k";
        var plain = _step > 0 ? power >= -5 : Ticks.Min() >= 1e-3; // a row of decades is written one way throughout
        if (greatest < 100_000 && plain) return Fixed(tick, -power);
        var digits = (int)Math.Floor(Math.Log10(Math.Abs(tick)) + 1e-9) - power;
        return tick.ToString("0." + new string('#', Math.Clamp(digits, 0, 15)) + "e0", CultureInfo.InvariantCulture);
    }

    private static string Fixed(double value, int decimals) => value.ToString("F" + Math.Clamp(decimals, 0, 15), CultureInfo.InvariantCulture);

    private static double RoundStep(double raw)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        return raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
    }

    // Powers of ten, fewer where there are too many, with 2 and 5 between where there is room.
    private double[] Decades(double marks)
    {
        var decades = _to - _from;
        var stride = (int)Math.Ceiling(decades / marks);
        return [.. Within(Powers(stride).SelectMany(power => decades <= marks / 3 ? new[] { power, 2 * power, 5 * power } : [power]))];
    }

    private IEnumerable<double> Powers(int stride)
    {
        for (var power = (int)Math.Floor(_from / stride) * stride; power <= _to; power += stride) yield return Math.Pow(10, power);
    }

    private IEnumerable<double> Within(IEnumerable<double> values) => values.Where(value => value > 0 && Place(value) is >= 0 and <= 1);
}
