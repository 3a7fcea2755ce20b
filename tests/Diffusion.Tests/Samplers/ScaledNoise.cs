namespace Diffusion.Tests.Samplers;

/// <summary>The normal numbers of a seed, times a factor; counts the tensors that were asked for.</summary>
internal sealed class ScaledNoise(long seed, double factor) : NoiseSource
{
    private readonly NoiseSource _inner = FromSeed(seed);

    public int Draws { get; private set; }

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        Draws++;
        return _inner.Next(shape, dtype, device).mul_(factor);
    }

    public override double NextDouble() => _inner.NextDouble();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }
}
