namespace Diffusion.Data;

/// <summary>
/// A random permutation of 0 … count − 1 that is computed, not stored: any position can be asked at once, in constant memory,
/// for sets of any size.
/// </summary>
/// <remarks>
/// A Feistel cipher on a·b ≥ count with addition modulo a and b, walking on until the result is below count (Black and Rogaway
/// 2002, method 3 and cycle walking). Each round is a bijection whatever its round function is, hence so is the whole.
/// </remarks>
internal sealed class ShuffledOrder
{
    private const int Rounds = 12; // alternating halves; indistinguishable from uniform also for a handful of elements

    private readonly ulong _count;
    private readonly ulong _rows;
    private readonly ulong _columns;
    private readonly long _key;

    public ShuffledOrder(long count, long seed, long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = (ulong)count;
        _rows = (ulong)Math.Ceiling(Math.Sqrt(count)); // the rounding of Sqrt is made up for by the columns
        _columns = (_count + _rows - 1) / _rows;
        _key = RandomStream.Hash(seed, epoch);
    }

    /// <summary>The element at a position; each of 0 … count − 1 is at exactly one.</summary>
    public long this[long position]
    {
        get
        {
            var value = (ulong)position;
            do value = Encipher(value);
            while (value >= _count); // follows the cycle of the larger permutation back into range
            return (long)value;
        }
    }

    private ulong Encipher(ulong value)
    {
        var (row, column) = (value / _columns, value % _columns);
        for (var round = 0; round < Rounds; round += 2)
        {
            row = (row + Below(_rows, round, column)) % _rows;
            column = (column + Below(_columns, round + 1, row)) % _columns;
        }
        return row * _columns + column;
    }

    private ulong Below(ulong bound, int round, ulong half) =>
        Math.BigMul((ulong)HostRandom.Derive(_key, (long)(half * 32) + round), bound, out _);
}
