namespace Diffusion;

/// <summary>Noise of one seed: normals from libtorch's CPU generator, uniforms from a host generator of the same seed.</summary>
internal sealed class SeededNoise(long seed) : NoiseSource
{
    private readonly Generator _generator = new(unchecked((ulong)TorchBackend.Checked(seed)), CPU);
    private readonly HostRandom _host = new(seed);

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        foreach (var length in shape)
            if (length < 0) throw new ArgumentException($"shape [{string.Join(", ", shape.ToArray())}] has a negative length.", nameof(shape));
        var normal = randn(shape.ToArray(), dtype: DrawType(dtype), generator: _generator);
        if (normal.dtype == dtype && device.type == DeviceType.CPU) return normal;
        using (normal) return Deliver(normal, dtype, device);
    }

    public override double NextDouble() => _host.NextDouble();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _generator.Dispose();
        base.Dispose(disposing);
    }

    // Half types are drawn in float32 and rounded, so that a seed means the same noise in each.
    private static ScalarType DrawType(ScalarType dtype) => dtype switch
    {
        ScalarType.Float32 or ScalarType.Float64 => dtype,
        ScalarType.Float16 or ScalarType.BFloat16 => ScalarType.Float32,
        _ => throw new ArgumentException($"Noise of type {dtype} was asked for; a floating type is needed.", nameof(dtype)),
    };
}
