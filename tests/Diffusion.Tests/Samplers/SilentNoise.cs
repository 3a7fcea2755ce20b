namespace Diffusion.Tests.Samplers;

/// <summary>Noise that is zero everywhere: what is left is the mean.</summary>
internal sealed class SilentNoise : NoiseSource
{
    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => zeros(shape.ToArray(), dtype, device);

    public override double NextDouble() => throw new NotSupportedException();
}
