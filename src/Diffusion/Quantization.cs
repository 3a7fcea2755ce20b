namespace Diffusion;

/// <summary>
/// Data that takes a number of equally spaced levels, such as bytes scaled to [−1, 1], and what a density on the line says of it: bits a number. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// The probability of a level is the integral of the density over its bin, of width <see cref="Step"/> and centred on the level. With data spread evenly over its bin, −log₂ of the density is on
/// average an upper bound of −log₂ of the probability up to the constant −log₂ of the width. (Theis et al. 2016, section 3.1)
/// </remarks>
public sealed class Quantization
{
    /// <summary>Levels of a scale.</summary>
    /// <param name="levels">How many, at least 2.</param>
    /// <param name="minimum">The value of the first level, finite.</param>
    /// <param name="maximum">The value of the last level, finite and above the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public Quantization(int levels = 256, double minimum = -1, double maximum = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 2);
        if (!double.IsFinite(minimum)) throw new ArgumentOutOfRangeException(nameof(minimum), minimum, "The first level must be finite.");
        if (!(maximum > minimum) || !double.IsFinite(maximum)) throw new ArgumentOutOfRangeException(nameof(maximum), maximum, "The last level must be finite and above the first.");
        (Levels, Minimum, Maximum) = (levels, minimum, maximum);
    }

    /// <summary>Bytes on the library's scale: 256 levels from −1 to 1.</summary>
    public static Quantization Bytes { get; } = new();

    /// <summary>How many levels there are.</summary>
    public int Levels { get; }

    /// <summary>The value of the first level.</summary>
    public double Minimum { get; }

    /// <summary>The value of the last level.</summary>
    public double Maximum { get; }

    /// <summary>The distance of two levels, which is the width of a bin.</summary>
    public double Step => (Maximum - Minimum) / (Levels - 1);

    /// <summary>Data spread evenly over its bins: x + Step·(u − ½) with u uniform in [0, 1).</summary>
    /// <param name="data">Data on the levels, float32 or float64; borrowed.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <returns>A fresh tensor in the caller's scope, of the shape and type of the data.</returns>
    /// <exception cref="ArgumentException">The data is of another type.</exception>
    public Tensor Dequantize(Tensor data, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(noise);
        if (data.dtype is not (ScalarType.Float32 or ScalarType.Float64)) throw new ArgumentException($"data is {data.dtype}; Float32 or Float64 is needed.", nameof(data));
        using var scope = NewDisposeScope();
        // u as Φ(z): normals come from the source's own stream for each sample.
        var uniform = special.ndtr(noise.Next(data.shape, float64, CPU)).to(data.dtype, data.device);
        return (data + (uniform - 0.5) * Step).MoveToOuterDisposeScope();
    }

    /// <summary>Bits a number of data whose density is known: (−ln p/ln 2)/D − log₂(Step).</summary>
    /// <param name="logDensity">ln p of each sample in nats, floating; borrowed.</param>
    /// <param name="numbers">D, the numbers of a sample, at least 1.</param>
    /// <returns>A fresh tensor in the caller's scope, of the shape and type of <paramref name="logDensity"/>.</returns>
    /// <exception cref="ArgumentException">The log-density is not floating.</exception>
    public Tensor BitsPerDimension(Tensor logDensity, long numbers) => Bits(logDensity, numbers, -Math.Log2(Step));

    /// <summary>Bits a number of data whose probability is known, whatever its scale: (−ln P/ln 2)/D.</summary>
    /// <param name="logProbability">ln P of each sample in nats, floating; borrowed.</param>
    /// <param name="numbers">D, the numbers of a sample, at least 1.</param>
    /// <returns>A fresh tensor in the caller's scope, of the shape and type of <paramref name="logProbability"/>.</returns>
    /// <exception cref="ArgumentException">The log-probability is not floating.</exception>
    public static Tensor BitsOfProbability(Tensor logProbability, long numbers) => Bits(logProbability, numbers, 0);

    private static Tensor Bits(Tensor nats, long numbers, double offset)
    {
        ArgumentNullException.ThrowIfNull(nats);
        ArgumentOutOfRangeException.ThrowIfLessThan(numbers, 1);
        if (!nats.is_floating_point()) throw new ArgumentException($"The logarithm is {nats.dtype}; a floating tensor is needed.", nameof(nats));
        return nats.mul(-1 / (numbers * Math.Log(2))).add_(offset);
    }
}
