namespace Diffusion.Data;

/// <summary>Points in the plane of well-known shapes: data on which a small network learns a flow in seconds, and which can be looked at.</summary>
public static class PlanarPoints
{
    /// <summary>Eight Gaussians of equal weight on a circle around 0, the first on the axis.</summary>
    /// <param name="count">How many points, at least 1.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="radius">Of the circle, positive.</param>
    /// <param name="deviation">Standard deviation of each Gaussian along each axis, at least 0.</param>
    /// <returns>float32 [count, 2], fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Tensor EightGaussians(long count, NoiseSource noise, double radius = 2, double deviation = 0.2)
    {
        Check(count, noise, radius, nameof(radius), deviation);
        return Spread(count, noise, deviation, () =>
        {
            var angle = Math.Floor(noise.NextDouble() * 8) * Math.PI / 4;
            return (radius * Math.Cos(angle), radius * Math.Sin(angle));
        });
    }

    /// <summary>Two half circles that reach into each other, with mean 0.</summary>
    /// <param name="count">How many points, at least 1.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="radius">Of the half circles, positive.</param>
    /// <param name="deviation">Standard deviation along each axis of the noise around them, at least 0.</param>
    /// <returns>float32 [count, 2], fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Tensor TwoMoons(long count, NoiseSource noise, double radius = 1.5, double deviation = 0.1)
    {
        Check(count, noise, radius, nameof(radius), deviation);
        return Spread(count, noise, deviation, () =>
        {
            var sign = noise.NextDouble() < 0.5 ? 1 : -1; // the second is the first turned by half about 0
            var angle = noise.NextDouble() * Math.PI;
            return (sign * radius * (Math.Cos(angle) - 0.5), sign * radius * (Math.Sin(angle) - 0.25));
        });
    }

    private static Tensor Spread(long count, NoiseSource noise, double deviation, Func<(double X, double Y)> point)
    {
        using var scope = NewDisposeScope();
        var values = new float[checked(2 * (int)count)];
        for (var i = 0; i < values.Length; i += 2)
        {
            var (x, y) = point();
            (values[i], values[i + 1]) = ((float)x, (float)y);
        }

        return noise.Next([count, 2], ScalarType.Float32, CPU).mul_(deviation).add_(tensor(values, [count, 2])).MoveToOuterDisposeScope();
    }

    private static void Check(long count, NoiseSource noise, double radius, string name, double deviation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, int.MaxValue / 2);
        ArgumentNullException.ThrowIfNull(noise);
        if (!(radius > 0) || !double.IsFinite(radius)) throw new ArgumentOutOfRangeException(name, radius, "The radius must be positive and finite.");
        if (!(deviation >= 0) || !double.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The standard deviation must be finite and at least 0.");
    }
}
