namespace Diffusion.Tests.Samplers;

/// <summary>
/// Noise as it is in infinitely many dimensions: every draw has the length √D exactly and is orthogonal to every other. Draw k is √D on axis k + 1; axis 0
/// is left to the state.
/// </summary>
internal sealed class OrthogonalNoise : NoiseSource
{
    private int _drawn;

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        var draw = zeros(shape.ToArray(), dtype);
        draw[.., ++_drawn] = Math.Sqrt(shape[^1]);
        return draw;
    }

    public override double NextDouble() => throw new NotSupportedException();

    /// <summary>A state of a mean square.</summary>
    public static Tensor State(long dimensions, double meanSquare)
    {
        var x = zeros(1, dimensions, dtype: float64);
        x[0, 0] = Math.Sqrt(meanSquare * dimensions);
        return x;
    }
}
