namespace Diffusion.Data;

/// <summary>
/// Random numbers on the host that depend on a key alone: the same key gives the same numbers on every machine and in every
/// order of calls. Data sets and transforms use one stream a sample, so that a sample never depends on its batch.
/// </summary>
/// <remarks>SplitMix64 (Steele, Lea and Flood 2014). Fast and statistically sound; not for secrets. Not thread-safe.</remarks>
public sealed class RandomStream
{
    private readonly HostRandom _random;

    /// <summary>The stream of a key, for example (seed, epoch, index).</summary>
    /// <param name="key">Any numbers; their order counts.</param>
    public RandomStream(params ReadOnlySpan<long> key) => _random = new HostRandom(Hash(key));

    /// <summary>A number uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => _random.NextDouble();

    /// <summary>A number uniform in [<paramref name="from"/>, <paramref name="to"/>).</summary>
    public double NextDouble(double from, double to) => from + (to - from) * NextDouble();

    /// <summary>A whole number uniform in [0, <paramref name="bound"/>), without bias.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public long NextInteger(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return _random.NextInteger(bound);
    }

    /// <summary>One number for a key: every bit of it depends on every part.</summary>
    internal static long Hash(params ReadOnlySpan<long> key)
    {
        long hash = key.Length;
        foreach (var part in key) hash = HostRandom.Derive(hash, part);
        return hash;
    }
}
