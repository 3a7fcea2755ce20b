namespace Diffusion.Parity;

/// <summary>Recorded normal draws, replayed in order. Draws of earlier iterations that the sampler did not ask for are passed over.</summary>
/// <param name="draws">[draws, batch, …]; null where none was recorded.</param>
/// <param name="iterations">The iteration of each draw; null to replay in order alone.</param>
/// <param name="now">The iteration that is running.</param>
internal sealed class RecordedNoise(Tensor? draws, double[]? iterations, Func<int> now) : NoiseSource
{
    private int _next;

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        var count = draws?.shape[0] ?? 0;
        var iteration = now();
        while (iterations is not null && _next < count && iterations[_next] < iteration) _next++;
        // A sampler may draw where its factor is zero and nothing was recorded: ones, so that a factor that is not zero shows.
        if (iterations is not null && (_next >= count || iterations[_next] > iteration)) return ones(shape.ToArray(), dtype, device);
        if (_next >= count) throw new InvalidDataException($"The sampler draws more noise than the {count} draws that were recorded.");
        using var draw = draws!.select(0, _next++);
        return draw.to(dtype, device).reshape(shape.ToArray());
    }

    public override double NextDouble() => throw new InvalidDataException("No uniform numbers were recorded.");
}
