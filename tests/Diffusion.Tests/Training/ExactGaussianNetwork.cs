namespace Diffusion.Tests.Training;

/// <summary>The output F of the exact denoiser of N(mean, deviation²) data, as a network: what a perfectly trained one would return. Has one parameter, which does nothing.</summary>
internal sealed class ExactGaussianNetwork : DenoisingNetwork
{
    private readonly Func<double, NoiseLevel> _levelOfLabel;
    private readonly Parameterization _parameterization;
    private readonly double _mean;
    private readonly double _variance;

    public ExactGaussianNetwork(Parameterization parameterization, Func<double, NoiseLevel> levelOfLabel, double mean, double deviation) : base("Exact")
    {
        (_parameterization, _levelOfLabel, _mean, _variance) = (parameterization, levelOfLabel, mean, deviation * deviation);
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        var labels = input2.to(float64).data<double>().ToArray();
        var (slope, offset) = (new double[labels.Length], new double[labels.Length]);
        for (var i = 0; i < labels.Length; i++)
        {
            var level = _levelOfLabel(labels[i]);
            var s = _parameterization.At(level);
            var gain = level.Alpha * _variance / (level.Alpha * level.Alpha * _variance + level.Sigma * level.Sigma);
            // F = (x̂₀ − Skip·x)/Out with x̂₀ = m + gain·(x − αm) and x = input/In
            slope[i] = (gain - s.Skip) / s.Out / s.In;
            offset[i] = _mean * (1 - gain * level.Alpha) / s.Out;
        }

        long[] shape = [labels.Length, .. Enumerable.Repeat(1L, (int)input1.dim() - 1)];
        return (input1 * tensor(slope).to(input1.dtype).view(shape) + tensor(offset).to(input1.dtype).view(shape)).MoveToOuterDisposeScope();
    }
}
