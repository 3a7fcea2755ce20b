namespace Diffusion.Training;

/// <summary>Times of a distribution moved to levels of less log-SNR.</summary>
/// <param name="inner">The distribution.</param>
/// <param name="loss">What is taken off the log-SNR.</param>
internal sealed class ShiftedTimes(TimeDistribution inner, double loss) : TimeDistribution
{
    public override double TimeAt(double quantile, NoiseSchedule schedule) => Move(inner.TimeAt(quantile, schedule), schedule);

    public override double[] Draw(int count, NoiseSchedule schedule, NoiseSource noise) =>
        Array.ConvertAll(inner.Draw(count, schedule, noise), time => Move(time, schedule));

    public override (double Time, double Weight)[] DrawWeighted(int count, NoiseSchedule schedule, NoiseSource noise) =>
        Array.ConvertAll(inner.DrawWeighted(count, schedule, noise), draw => (Move(draw.Time, schedule), draw.Weight));

    internal override double WeightAt(double quantile) => inner.WeightAt(quantile);

    private double Move(double time, NoiseSchedule schedule) => schedule.TimeAtLogSnr(schedule.At(time).LogSnr - loss);
}
