namespace Diffusion.Data;

/// <summary>
/// Random numbers on the host that depend on a key alone: the same key gives the same numbers on every machine and in every
/// order of calls. Data sets and transforms use one stream a sample, so that a sample never depends on its batch.
/// </summary>
/// <remarks>SplitMix64 (Steele, Lea, Flood 2014). Fast and statistically sound; not for secrets. Not thread-safe.</remarks>
public sealed class RandomStream
{
    private const ulong GoldenRatio = 0x9E3779B97F4A7C15; // 2^64 / φ, odd: the counter visits every value
    private const double TwoToMinus53 = 1.0 / (1L << 53);

    private ulong _state;

    /// <summary>The stream of a key, for example (seed, epoch, index).</summary>
    /// <param name="key">Any numbers; their order counts.</param>
    public RandomStream(params ReadOnlySpan<ulong> key) => _state = Hash(key);

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Mix(_state += GoldenRatio);

    /// <summary>A number uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => (NextBits() >> 11) * TwoToMinus53;

    /// <summary>A number uniform in [<paramref name="from"/>, <paramref name="to"/>).</summary>
    public double NextDouble(double from, double to) => from + (to - from) * NextDouble();

    /// <summary>A whole number uniform in [0, <paramref name="bound"/>), without bias.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public long NextBelow(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        // Lemire 2019: the high word of a product is uniform once the few low words that would favour it are refused.
        var n = (ulong)bound;
        var threshold = (0 - n) % n;
        while (true)
        {
            var high = Math.BigMul(NextBits(), n, out var low);
            if (low >= threshold) return (long)high;
        }
    }

    /// <summary>One number of a key: every bit of the result depends on every bit of the key.</summary>
    internal static ulong Hash(params ReadOnlySpan<ulong> key)
    {
        var hash = (ulong)key.Length;
        foreach (var part in key) hash = Mix((hash + GoldenRatio) ^ Mix(part + GoldenRatio));
        return hash;
    }

    /// <summary>A bijection of 64-bit numbers without visible structure (the finaliser of SplitMix64).</summary>
    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
