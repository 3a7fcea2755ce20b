namespace Diffusion.Parity;

/// <summary>
/// Recorded draws of k-diffusion. Those of its noise sampler carry the two σ of their step and are found by them; those of churn were drawn in every step, used or
/// not.
/// </summary>
/// <param name="draws">[draws, batch, …].</param>
/// <param name="sigmas">Two numbers a draw; NaN for churn.</param>
/// <param name="step">The number of the running step.</param>
internal sealed class KDiffusionNoise(Tensor draws, double[] sigmas, Func<int> step) : NoiseSource
{
    private readonly bool[] _used = new bool[sigmas.Length / 2];

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        var index = step();
        if (index >= _used.Length || !double.IsNaN(sigmas[2 * index])) throw new InvalidDataException($"No churn was recorded for step {index}.");
        return Draw(index, shape.ToArray(), dtype, device);
    }

    public override double NextDouble() => throw new InvalidDataException("No uniform numbers were recorded.");

    public override Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to)
    {
        for (var i = 0; i < _used.Length; i++)
            if (!_used[i] && Near(sigmas[2 * i], from.NoiseToSignal) && Near(sigmas[2 * i + 1], to.NoiseToSignal)) return Draw(i, like.shape, like.dtype, like.device);
        throw new InvalidDataException($"No draw was recorded between σ = {from.NoiseToSignal:g6} and {to.NoiseToSignal:g6}.");
    }

    private Tensor Draw(int index, long[] shape, ScalarType dtype, Device device)
    {
        _used[index] = true;
        using var draw = draws.select(0, index);
        return draw.to(dtype, device).reshape(shape);
    }

    private static bool Near(double recorded, double asked) => Math.Abs(recorded - asked) <= 1e-3 * Math.Max(asked, 1e-3);
}
