namespace Diffusion;

/// <summary>
/// A Gaussian as a distribution over levels: each has the mass of its bin, the first and the last also that of the tail beyond. The decoder of the variational bound on images, p(x₀ | x₁).
/// Immutable and thread-safe. (Ho et al. 2020, eq. 13)
/// </summary>
/// <remarks>The masses are exact, in float64 and without a floor: published code approximates the normal distribution by tanh and raises masses to 1e-12, so its sum is 1 to about 1e-10 only.</remarks>
/// <param name="levels">The levels.</param>
public sealed class DiscretizedGaussian(Quantization levels)
{
    private const double Infinity = 1e100; // so many deviations; its square is still finite
    private const double SeriesFrom = 20;

    /// <summary>The levels.</summary>
    public Quantization Levels { get; } = levels ?? throw new ArgumentNullException(nameof(levels));

    /// <summary>ln P of the level of each number, in nats. Differentiable in the mean and the variance.</summary>
    /// <param name="x">Values on the levels; borrowed.</param>
    /// <param name="mean">The mean of each number, of a shape that goes with x; borrowed.</param>
    /// <param name="logVariance">The logarithm of the variance, of a shape that goes with x; borrowed.</param>
    /// <returns>A fresh tensor in the caller's scope, of the common shape, in float64.</returns>
    /// <exception cref="ArgumentException">A tensor is not floating or on another device than x, or the shapes do not go together.</exception>
    public Tensor LogProbability(Tensor x, Tensor mean, Tensor logVariance)
    {
        Check(x, nameof(x), x);
        Check(mean, nameof(mean), x);
        Check(logVariance, nameof(logVariance), x);
        using var scope = NewDisposeScope();
        var half = Levels.Step / 2;
        var value = x.to(float64);
        var (precision, centred) = (logVariance.to(float64).mul(-0.5).exp(), value - mean.to(float64));
        var (lower, upper) = ((centred - half) * precision, (centred + half) * precision);
        lower = lower.masked_fill(value.lt(Levels.Minimum + half), -Infinity);
        upper = upper.masked_fill(value.gt(Levels.Maximum - half), Infinity);
        // On the side of the smaller tail: (a, b) and (−b, −a) hold the same mass.
        var flip = (lower + upper).gt(0);
        var (a, b) = (where(flip, -upper, lower), where(flip, -lower, upper));
        // b ≤ 0: ln Φ(b) + ln(1 − Φ(a)/Φ(b)); else the bin holds the middle, and a plain difference loses nothing.
        var (inTail, low) = (b.le(0), LogCumulative(a.clamp_max(0)));
        var high = LogCumulative(b.clamp_max(0));
        var tail = high + log1p(-(low - high).masked_fill(inTail.logical_not(), -1).exp());
        var middle = (erf(b / Math.Sqrt(2)) - erf(a / Math.Sqrt(2))).mul(0.5).masked_fill(inTail, 1).log();
        return where(inTail, tail, middle).MoveToOuterDisposeScope();
    }

    // ln Φ(z) = ln(½erfc(t)) with t = −z/√2 for z ≤ 0; where erfc comes near underflow by its asymptotic series, whose first term left out is below 1e-13.
    private static Tensor LogCumulative(Tensor z)
    {
        var t = z / -Math.Sqrt(2);
        var near = erfc(t.clamp_max(SeriesFrom)).log() - Math.Log(2);
        var far = t.clamp_min(SeriesFrom);
        var u = far.square().reciprocal() / 2; // 1 − u + 3u² − 15u³ + …
        var series = 1 - u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u * (1 - 9 * u))));
        return where(t.le(SeriesFrom), near, series.log() - far.square() - far.log() - 0.5 * Math.Log(4 * Math.PI));
    }

    private static void Check(Tensor tensor, string name, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (!tensor.is_floating_point()) throw new ArgumentException($"{name} is {tensor.dtype}; a floating tensor is needed.", name);
        if (tensor.device_type != x.device_type) throw new ArgumentException($"{name} is on {tensor.device}, x on {x.device}; one device is needed.", name);
        var (own, other) = (tensor.shape, x.shape);
        for (var i = 1; i <= Math.Min(own.Length, other.Length); i++)
            if (own[^i] != other[^i] && own[^i] != 1 && other[^i] != 1)
                throw new ArgumentException($"{name} has shape [{string.Join(", ", own)}], x [{string.Join(", ", other)}]; shapes that go together are needed.", name);
    }
}
