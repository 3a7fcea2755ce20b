namespace Diffusion.Tests.Evaluation;

/// <summary>
/// Noise +1, −1, +1, −1 down the batch, and ½ on the host: with data of ±deviation in pairs, the mean over the batch of anything quadratic in data and noise is exactly its
/// expectation.
/// </summary>
internal sealed class SignNoise : NoiseSource
{
    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var signs = arange(shape[0], dtype: int64).remainder(2).mul(-2).add_(1).to(dtype);
        return (zeros(shape.ToArray(), dtype) + signs.view([shape[0], .. Enumerable.Repeat(1L, shape.Length - 1)])).MoveToOuterDisposeScope();
    }

    public override double NextDouble() => 0.5;

    /// <summary>Four samples of one number: mean ± deviation with each sign of the noise.</summary>
    public static Tensor Data(double deviation, double mean = 0) => tensor(new[] { mean + deviation, mean + deviation, mean - deviation, mean - deviation }).view(4, 1);
}
