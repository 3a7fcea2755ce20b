using static TorchSharp.torch;

namespace TimeSeries;

/// <summary>Made-up electricity use of a town: two days from midnight, hour by hour. The class is the weekday of the first day, from Monday.</summary>
internal static class LoadCurves
{
    public const int Hours = 48, Day = 24;

    public static readonly string[] Weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    /// <summary>Curves, weekdays in turn.</summary>
    /// <returns>float32 [count, 48] of about unit size, and int64 [count].</returns>
    public static (Tensor Curves, Tensor Weekdays) Draw(int count, int seed)
    {
        var random = new Random(seed);
        var (values, labels) = (new float[count * Hours], new long[count]);
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % 7;
            Curve(random, i % 7).CopyTo(values, i * Hours);
        }

        return (tensor(values, [count, Hours]), tensor(labels, int64));
    }

    // What one day tells of the next: how cold it is, the level of use, and when the town gets up. Only the hourly noise is new.
    private static float[] Curve(Random random, int weekday)
    {
        var (cold, level, shift, noise) = (random.NextDouble(), Normal(random, 0.3), Normal(random, 0.5), Normal(random, 0.12));
        var curve = new float[Hours];
        for (var hour = 0; hour < Hours; hour++)
        {
            if (hour == Day) (level, shift) = (0.8 * level + Normal(random, 0.18), 0.8 * shift + Normal(random, 0.3));
            var free = (weekday + hour / Day) % 7 >= 5;
            var time = hour % Day;
            var daily = -0.9 - 0.35 * Math.Cos(2 * Math.PI * (time - 3) / Day) - 0.15 * Math.Cos(4 * Math.PI * (time - 3) / Day);
            var morning = (free ? 0.7 : 1.3) * Bump(time - (free ? 10.2 : 7.4) - shift, free ? 2.4 : 1.4);
            var evening = (free ? 1.0 : 1.4) * (0.7 + 0.7 * cold) * Bump(time - 19 - 0.5 * shift, 2.2);
            noise = 0.6 * noise + Normal(random, 0.1);
            curve[hour] = (float)(daily + morning + evening + 0.5 * cold + level + noise);
        }

        return curve;
    }

    private static double Bump(double distance, double width) => Math.Exp(-distance * distance / (2 * width * width));

    private static double Normal(Random random, double deviation) =>
        deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
