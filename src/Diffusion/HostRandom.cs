namespace Diffusion;

/// <summary>
/// A small deterministic generator for what is drawn on the host: SplitMix64 (Steele, Lea and Flood 2014). The same numbers on
/// every platform and .NET version, which System.Random does not promise.
/// </summary>
internal sealed class HostRandom(long seed)
{
    private ulong _state = unchecked((ulong)seed);

    /// <summary>The next 64 bits.</summary>
    public ulong NextBits()
    {
        unchecked
        {
            _state += 0x9E3779B97F4A7C15;
            return Mix(_state);
        }
    }

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1L << 53));

    /// <summary>A uniform integer in [0, exclusiveMaximum), without bias.</summary>
    public long NextInteger(long exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveMaximum, 1);
        var range = (ulong)exclusiveMaximum;
        var limit = ulong.MaxValue - ulong.MaxValue % range;
        ulong bits;
        do bits = NextBits(); while (bits >= limit);
        return (long)(bits % range);
    }

    /// <summary>A seed that depends on a seed and on a number: independent streams of one run, addressed without state.</summary>
    public static long Derive(long seed, long stream) => unchecked((long)Mix(Mix((ulong)seed) + 0x9E3779B97F4A7C15 * (ulong)(stream + 1)));

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
