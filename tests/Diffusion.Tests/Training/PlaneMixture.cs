using Diffusion.Data;
using Diffusion.Denoisers;

namespace Diffusion.Tests.Training;

/// <summary>Eight Gaussians on a circle: labelled data in the plane that a small network learns in seconds.</summary>
internal static class PlaneMixture
{
    public static GaussianMixture Distribution { get; } = Make();

    public static TensorDataSet DataSet(long count = 4096, long seed = 1)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(seed);
        var points = Distribution.Sample(count, noise);
        return new TensorDataSet(points, Nearest(points), [.. Enumerable.Range(0, 8).Select(i => $"{i}")]);
    }

    public static Tensor Nearest(Tensor points)
    {
        using var scope = NewDisposeScope();
        var angle = atan2(points.select(1, 1), points.select(1, 0)).div(Math.PI / 4).round();
        return angle.to(int64).remainder(8).MoveToOuterDisposeScope();
    }

    /// <summary>2·E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖: 0 exactly where the distributions are the same (Székely and Rizzo 2013).</summary>
    public static double EnergyDistance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        double Mean(Tensor x, Tensor y, bool same)
        {
            var (n, m) = (x.shape[0], y.shape[0]);
            var sum = (x.unsqueeze(1) - y.unsqueeze(0)).square().sum(2).sqrt().to(float64).sum().item<double>();
            return sum / (same ? n * (n - 1) : n * m); // a point is not compared with itself
        }

        return 2 * Mean(a, b, false) - Mean(a, a, true) - Mean(b, b, true);
    }

    private static GaussianMixture Make()
    {
        var means = new double[8, 2];
        for (var i = 0; i < 8; i++) (means[i, 0], means[i, 1]) = (Math.Cos(i * Math.PI / 4), Math.Sin(i * Math.PI / 4));
        return GaussianMixture.Uniform(means, 0.1);
    }
}
