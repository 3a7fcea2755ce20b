using Diffusion.Denoisers;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// The order in which the path of a sampler with noise converges on the mixture, for one Brownian path at every number of steps. The error is the mean of the
/// smaller three quarters: a path that passes near the watershed of the two modes may end in the other mode, and a few such would be all that shows.
/// </summary>
public class StrongOrderTests
{
    private const int Ticks = 8192;
    private const int Samples = 256;

    private static readonly Lazy<double[]> _starts = new(() =>
    {
        using var noise = NoiseSource.FromSeed(1);
        using var start = noise.Next([Samples], ScalarType.Float64, CPU);
        return Array.ConvertAll(start.data<double>().ToArray(), z => LawGrids.Most * z);
    });

    // The limit, by the finest steps of the plainest sampler; in x̂ = x/α it is one for all schedules.
    private static readonly Dictionary<double, double[]> _limits = [];

    public static TheoryData<string, string> WithPath => SamplerCatalogue.OnEverySchedule(entry => entry.Strong is not null);

    [Theory, MemberData(nameof(WithPath))]
    public void PathConvergesInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var limit = Limit(entry.Eta);
        ObservedOrder.Is(entry.Strong!.Value, entry.Steps, steps =>
        {
            var end = Ends(entry.Make(steps), LawSchedules.Of(schedule), steps);
            return end.Zip(limit, (a, b) => Math.Abs(a - b)).Order().Take(Samples * 3 / 4).Average();
        });
    }

    private static double[] Limit(double eta)
    {
        if (!_limits.TryGetValue(eta, out var limit)) _limits[eta] = limit = Ends(new EulerAncestralSampler(eta), LawSchedules.Of("vp"), Ticks);
        return limit;
    }

    private static double[] Ends(Sampler sampler, NoiseSchedule schedule, int steps)
    {
        using var scope = NewDisposeScope();
        using var path = new FixedPath(Ticks, Samples, seed: 2);
        var grid = LawGrids.Of(schedule, steps, Spacing.LogSnr);
        var start = tensor(_starts.Value).mul(grid.Start.Alpha).view(-1, 1);
        return sampler.Sample(new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture), start, grid, path).div(grid.End.Alpha).data<double>().ToArray();
    }
}
