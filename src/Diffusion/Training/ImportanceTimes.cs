namespace Diffusion.Training;

/// <summary>Times of a distribution, drawn by shares of its quantiles and weighted so that the expected loss stays the same.</summary>
internal sealed class ImportanceTimes : TimeDistribution
{
    private readonly TimeDistribution _inner;
    private readonly double[] _ends; // cumulative shares, the last 1

    public ImportanceTimes(TimeDistribution inner, ReadOnlySpan<double> shares, double uniform)
    {
        if (!(uniform > 0 && uniform <= 1)) throw new ArgumentOutOfRangeException(nameof(uniform), uniform, "The part of draws that ignores the shares lies in (0, 1].");
        var sum = 0.0;
        foreach (var share in shares)
            sum += share >= 0 && double.IsFinite(share) ? share : throw new ArgumentException($"A share is {share}; shares are finite and not negative.", nameof(shares));
        if (!(sum > 0) || !double.IsFinite(sum)) throw new ArgumentException("The shares sum to nothing; at least one must be positive.", nameof(shares));
        _inner = inner;
        _ends = new double[shares.Length];
        var end = 0.0;
        for (var i = 0; i < _ends.Length; i++) _ends[i] = end += (1 - uniform) * shares[i] / sum + uniform / shares.Length;
        _ends[^1] = 1;
    }

    public override double TimeAt(double quantile, NoiseSchedule schedule) => _inner.TimeAt(Map(quantile).Quantile, schedule);

    public override (double Time, double Weight)[] DrawWeighted(int count, NoiseSchedule schedule, NoiseSource noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(noise);
        var draws = new (double, double)[count];
        for (var i = 0; i < count; i++)
        {
            var (quantile, weight) = Map(Inside(noise.NextDouble()));
            draws[i] = (_inner.TimeAt(quantile, schedule), weight);
        }

        return draws;
    }

    internal override double WeightAt(double quantile) => Map(quantile).Weight;

    // The quantile of the inner distribution, and its density over that of the draws.
    private (double Quantile, double Weight) Map(double quantile)
    {
        if (!(quantile > 0 && quantile < 1)) throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "A quantile lies between 0 and 1.");
        var part = Array.FindIndex(_ends, end => quantile < end);
        var start = part == 0 ? 0 : _ends[part - 1];
        var share = _ends[part] - start;
        var inner = Inside((part + (quantile - start) / share) / _ends.Length);
        return (inner, _inner.WeightAt(inner) / (share * _ends.Length));
    }
}
