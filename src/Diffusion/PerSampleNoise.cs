namespace Diffusion;

/// <summary>Noise with one stream a sample: sample k gets the same numbers whatever the batch.</summary>
internal sealed class PerSampleNoise : NoiseSource
{
    private readonly SeededNoise[] _streams;

    public PerSampleNoise(ReadOnlySpan<long> seeds)
    {
        if (seeds.IsEmpty) throw new ArgumentException("No seed was given; one a sample is needed.", nameof(seeds));
        _streams = new SeededNoise[seeds.Length];
        for (var i = 0; i < seeds.Length; i++) _streams[i] = new SeededNoise(seeds[i]);
    }

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        if (shape.IsEmpty || shape[0] != _streams.Length)
            throw new ArgumentException($"There are {_streams.Length} seeds, but noise of shape [{string.Join(", ", shape.ToArray())}] was asked for: the first length must be the number of seeds.", nameof(shape));
        using var scope = NewDisposeScope();
        var sample = shape[1..].ToArray();
        var drawn = Array.ConvertAll(_streams, stream => stream.Next(sample, dtype, CPU));
        return Deliver(stack(drawn, 0), dtype, device).MoveToOuterDisposeScope();
    }

    public override double NextDouble() => _streams[0].NextDouble();

    protected override void Dispose(bool disposing)
    {
        if (disposing) foreach (var stream in _streams) stream.Dispose();
        base.Dispose(disposing);
    }
}
