namespace Diffusion;

/// <summary>Noise of one Brownian path a run, with the signal-to-noise ratio as its clock: √(σ/α)/(1 + √(σ/α)), which is 0 for clean data and 1 for pure noise.</summary>
/// <param name="fresh">The source of a seed, for nodes of the path and for what is not on it.</param>
/// <param name="seed">The seed; nodes have seeds derived from it.</param>
internal sealed class BrownianNoise(Func<long, NoiseSource> fresh, long seed) : NoiseSource
{
    private readonly NoiseSource _other = fresh(seed);
    private BrownianPath? _path;
    private (long[] Shape, ScalarType DType) _of = ([], ScalarType.Float32);

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => _other.Next(shape, dtype, device);

    public override double NextDouble() => _other.NextDouble();

    public override Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to)
    {
        ArgumentNullException.ThrowIfNull(like);
        var (start, end) = (Clock(from), Clock(to));
        if (start <= end) return NextLike(like); // the path is that of a run from noise to data
        using var scope = NewDisposeScope();
        var path = PathOf(like);
        var scale = Math.Sqrt((double)BrownianPath.Resolution / (start - end));
        var value = path.At(start)!.mul(scale);
        if (path.At(end) is { } after) value.add_(after, alpha: -scale);
        return Deliver(value, like.dtype, like.device).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _other.Dispose();
            _path?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static long Clock(NoiseLevel level)
    {
        var root = Math.Sqrt(level.NoiseToSignal);
        return (long)Math.Round((double.IsInfinity(root) ? 1 : root / (1 + root)) * BrownianPath.Resolution);
    }

    // A path has one shape; another shape is another path, with the same seed.
    private BrownianPath PathOf(Tensor like)
    {
        var dtype = like.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        if (_path is not null && _of.DType == dtype && _of.Shape.AsSpan().SequenceEqual(like.shape)) return _path;
        _path?.Dispose();
        var shape = like.shape;
        _of = (shape, dtype);
        return _path = new BrownianPath(node =>
        {
            using var source = fresh(HostRandom.Derive(seed, node));
            return source.Next(shape, dtype, CPU);
        });
    }
}
