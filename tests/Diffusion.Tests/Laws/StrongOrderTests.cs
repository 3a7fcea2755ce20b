using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// The order in which the path of a sampler with noise converges on the mixture, for one Brownian path at every number of steps. The error is the mean of the
/// smaller three quarters: a path that passes near the watershed of the two modes may end in the other mode, and a few such would be all that shows.
/// </summary>
public class StrongOrderTests(StrongOrderTests.Paths paths) : IClassFixture<StrongOrderTests.Paths>
{
    public static TheoryData<string, string> WithPath => SamplerCatalogue.OnEverySchedule(entry => entry.Strong is not null);

    [Theory, MemberData(nameof(WithPath))]
    public void PathConvergesInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var limit = paths.Limit(entry);
        ObservedOrder.Is(entry.Strong!.Value, entry.Steps, steps =>
        {
            var end = paths.Ends(entry.Make(steps), LawSchedules.Of(schedule), steps);
            return end.Zip(limit, (a, b) => Math.Abs(a - b)).Order().Take(Paths.Samples * 3 / 4).Average();
        });
    }

    /// <summary>The starts and the noise that all runs share, and the limits that they converge to.</summary>
    public sealed class Paths : IDisposable
    {
        public const int Samples = 256;
        private const int Ticks = 6144; // a multiple of every number of steps, with thirds and halves between

        private readonly FixedPath _path = new(Ticks, Samples, seed: 2);
        private readonly double[] _starts;
        private readonly Dictionary<string, double[]> _limits = [];

        public Paths()
        {
            using var noise = NoiseSource.FromSeed(1);
            using var start = noise.Next([Samples], ScalarType.Float64, CPU);
            _starts = Array.ConvertAll(start.data<double>().ToArray(), z => LawGrids.Most * z);
        }

        /// <summary>Where the paths end in the limit: by the finest steps of the plainest sampler. In x̂ = x/α it is one for all schedules.</summary>
        internal double[] Limit(CatalogueEntry entry)
        {
            var key = entry.LimitOf ?? $"eta {entry.Eta}";
            if (_limits.TryGetValue(key, out var limit)) return limit;
            var sampler = entry.LimitOf is { } other ? SamplerCatalogue.Of(other).Make(Ticks) : new EulerAncestralSampler(entry.Eta);
            return _limits[key] = Ends(sampler, LawSchedules.Of("vp"), Ticks);
        }

        public double[] Ends(Sampler sampler, NoiseSchedule schedule, int steps)
        {
            using var scope = NewDisposeScope();
            var grid = LawGrids.Of(schedule, steps, Spacing.LogSnr);
            var start = tensor(_starts).mul(grid.Start.Alpha).view(-1, 1);
            return sampler.Sample(new MixtureOracle(schedule), start, grid, _path).div(grid.End.Alpha).data<double>().ToArray();
        }

        public void Dispose() => _path.Dispose();
    }
}
