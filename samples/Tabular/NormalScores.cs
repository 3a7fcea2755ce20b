using static TorchSharp.torch;

namespace Tabular;

/// <summary>
/// Numbers of any distribution as standard normal ones and back: the normal score of a value is the normal quantile of its rank (van der Waerden 1952). Equal values share a range of ranks; a
/// random place in it makes even whole numbers continuous, and the way back leads to the same value from anywhere in the range.
/// </summary>
internal sealed class NormalScores
{
    private readonly double[] _sorted;

    /// <param name="values">What the distribution is known by: at least one finite number.</param>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public NormalScores(IEnumerable<double> values)
    {
        _sorted = [.. values.Order()];
        if (_sorted.Length == 0) throw new InvalidDataException("A column of numbers has none in the rows to train on; leave it out with --skip.");
    }

    /// <summary>The scores of values.</summary>
    /// <param name="values">Finite, or NaN for missing, whose score is 0.</param>
    /// <param name="random">Where in its range an equal value lies; null for the middle.</param>
    public float[] Encode(double[] values, Random? random)
    {
        using var scope = NewDisposeScope();
        var quantiles = Array.ConvertAll(values, value =>
        {
            if (double.IsNaN(value)) return 0.5;
            var (below, upTo) = (Place(value, orEqual: false), Place(value, orEqual: true));
            var rank = below + (random?.NextDouble() ?? 0.5) * (upTo - below);
            return Math.Clamp(rank, 0.5, _sorted.Length - 0.5) / _sorted.Length;
        });
        return tensor(quantiles, float64).mul(2).sub(1).erfinv().mul(Math.Sqrt(2)).to(float32).data<float>().ToArray();
    }

    /// <summary>The values that scores stand for: between neighbouring ranks by interpolation, never beyond the least and greatest value that was seen.</summary>
    public double[] Decode(Tensor scores)
    {
        using var scope = NewDisposeScope();
        var quantiles = special.ndtr(scores.to(float64)).data<double>().ToArray();
        return Array.ConvertAll(quantiles, quantile =>
        {
            var rank = Math.Clamp(quantile * _sorted.Length - 0.5, 0, _sorted.Length - 1);
            var (low, share) = ((int)rank, rank - Math.Floor(rank));
            return _sorted[low] + share * (_sorted[Math.Min(low + 1, _sorted.Length - 1)] - _sorted[low]);
        });
    }

    // How many of the known values lie below a value, or below and at it.
    private int Place(double value, bool orEqual)
    {
        var (low, high) = (0, _sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_sorted[middle] < value || (orEqual && _sorted[middle] == value)) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
