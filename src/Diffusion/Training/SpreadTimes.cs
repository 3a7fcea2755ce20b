namespace Diffusion.Training;

/// <summary>Times whose quantiles are spread evenly over a batch, each with the distribution it would have alone.</summary>
/// <param name="inner">The distribution.</param>
/// <param name="oneOffset">Whether all samples of a batch share one offset within their shares.</param>
internal sealed class SpreadTimes(TimeDistribution inner, bool oneOffset) : TimeDistribution
{
    public override double TimeAt(double quantile, NoiseSchedule schedule) => inner.TimeAt(quantile, schedule);

    public override double[] Draw(int count, NoiseSchedule schedule, NoiseSource noise) => Array.ConvertAll(Quantiles(count, schedule, noise), quantile => inner.TimeAt(quantile, schedule));

    public override (double Time, double Weight)[] DrawWeighted(int count, NoiseSchedule schedule, NoiseSource noise) =>
        Array.ConvertAll(Quantiles(count, schedule, noise), quantile => (inner.TimeAt(quantile, schedule), inner.WeightAt(quantile)));

    internal override double WeightAt(double quantile) => inner.WeightAt(quantile);

    private double[] Quantiles(int count, NoiseSchedule schedule, NoiseSource noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(noise);
        var quantiles = new double[count];
        var offset = oneOffset ? noise.NextDouble() : 0;
        for (var i = 0; i < count; i++) quantiles[i] = Inside((i + (oneOffset ? offset : noise.NextDouble())) / count);
        // In random order: the samples of a batch may have one, and noise must not go along with it.
        for (var i = count - 1; i > 0; i--)
        {
            var j = (int)(noise.NextDouble() * (i + 1));
            (quantiles[i], quantiles[j]) = (quantiles[j], quantiles[i]);
        }

        return quantiles;
    }
}
