namespace Diffusion;

/// <summary>
/// A Brownian path on [0, 1], found anywhere by bisection: the middle of an interval is the mean of its ends plus noise that depends on nothing but the seed and the interval.
/// Times are multiples of 2⁻²⁴, so that increments have exactly the variance of their length. Remembers the way to the last time that was asked for: at most 26 tensors.
/// </summary>
/// <param name="draw">Standard normal numbers of a node: the same for the same number of the node.</param>
internal sealed class BrownianPath(Func<long, Tensor> draw) : IDisposable
{
    /// <summary>Number of times, less one.</summary>
    public const long Resolution = 1L << 24;

    private readonly Stack<Interval> _way = [];
    private Tensor? _end; // W(1)

    /// <summary>W at a time, borrowed until the next call; null at time 0, where it is 0.</summary>
    /// <param name="time">In units of 1/<see cref="Resolution"/>.</param>
    public Tensor? At(long time)
    {
        if (time == 0) return null;
        _end ??= draw(1).DetachFromDisposeScope();
        if (time == Resolution) return _end;
        while (_way.TryPeek(out var last) && (time < last.From || time > last.To)) _way.Pop().Middle.Dispose();
        var (from, to, node) = (0L, Resolution, 1L);
        Tensor? start = null, end = _end;
        // From the last interval that holds the time, go on halving.
        if (_way.TryPeek(out var inner))
        {
            if (time == inner.From) return inner.Start;
            if (time == inner.To) return inner.End;
            (from, to, node, start, end) = (inner.From, inner.To, inner.Node, inner.Start, inner.End);
            Narrow(inner.Middle);
        }

        while (true)
        {
            if (time == from) return start;
            if (time == to) return end;
            var middle = Bridge(start, end!, to - from, node);
            _way.Push(new Interval(from, to, node, start, end!, middle));
            Narrow(middle);
        }

        void Narrow(Tensor middle)
        {
            var half = (from + to) / 2;
            if (time <= half) (to, end, node) = (half, middle, 2 * node);
            else (from, start, node) = (half, middle, 2 * node + 1);
        }
    }

    public void Dispose()
    {
        foreach (var interval in _way) interval.Middle.Dispose();
        _way.Clear();
        _end?.Dispose();
        _end = null;
    }

    // The middle of a bridge over a length L: mean of the ends, variance L/4.
    private Tensor Bridge(Tensor? start, Tensor end, long length, long node)
    {
        using var scope = NewDisposeScope();
        var noise = draw(2 * node + 1); // the node's own; node 1's end is number 1
        var mean = start is null ? end.mul(0.5) : end.add(start).mul_(0.5);
        return mean.add_(noise, alpha: Math.Sqrt((double)length / Resolution) / 2).DetachFromDisposeScope();
    }

    private readonly record struct Interval(long From, long To, long Node, Tensor? Start, Tensor End, Tensor Middle);
}
