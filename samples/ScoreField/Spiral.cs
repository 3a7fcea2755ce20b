using Diffusion;
using Diffusion.Denoisers;
using static TorchSharp.torch;

namespace ScoreField;

/// <summary>The data: twelve Gaussians along a spiral, wider and rarer outwards. Its density is known, so everything learned can be compared with the truth.</summary>
internal static class Spiral
{
    private const int Components = 12;

    public static GaussianMixture Distribution { get; } = Make();

    /// <summary>The entropy −∫p·ln p in nats, by summing over a grid that is fine against the narrowest Gaussian: right to far more digits than are shown.</summary>
    public static double Entropy()
    {
        using var scope = NewDisposeScope();
        const int cells = 1200;
        var points = Plane.Cells(cells, extent: 5);
        var area = Math.Pow(2 * 5.0 / cells, 2);
        return points.split(100_000).Sum(part =>
        {
            using var inner = NewDisposeScope();
            var log = Distribution.LogDensity(part, NoiseLevel.Of(1, 0));
            return -(log.exp() * log).sum().item<double>();
        }) * area;
    }

    private static GaussianMixture Make()
    {
        var (weights, means, deviations) = (new double[Components], new double[Components, 2], new double[Components, 2]);
        for (var k = 0; k < Components; k++)
        {
            var (angle, radius) = (0.75 * k, 0.3 + 0.165 * k);
            (means[k, 0], means[k, 1]) = (radius * Math.Cos(angle), radius * Math.Sin(angle));
            (deviations[k, 0], deviations[k, 1]) = (0.14 + 0.01 * k, 0.14 + 0.01 * (Components - 1 - k));
            weights[k] = 1.0 / (6 + k);
        }

        return new GaussianMixture(weights, means, deviations);
    }
}
