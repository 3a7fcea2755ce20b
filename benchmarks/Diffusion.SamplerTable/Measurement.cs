using Diffusion.Denoisers;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;

namespace Diffusion.SamplerTable;

/// <summary>
/// Runs samplers with the exact denoiser of a mixture and compares what they draw with its exact quantiles: the Wasserstein-1 distance of the two distributions. All in float64, with
/// fixed seeds.
/// </summary>
internal sealed class Measurement : IDisposable
{
    /// <summary>The numbers of steps of the table.</summary>
    public static readonly int[] Steps = [5, 10, 20, 50, 100];

    /// <summary>Samples of a run without noise, started at the quantiles of the noisy marginal: the distance is then exact.</summary>
    private const int Deterministic = 1000;

    /// <summary>Samples of a run with noise.</summary>
    private const int Stochastic = 1 << 14;

    private static readonly NoiseSchedule _schedule = new VariancePreservingSchedule();

    private readonly Dictionary<(int Count, double Sigma), Tensor> _quantiles = [];

    /// <summary>The samplers that take as many steps as they are told, in the order of the catalogue.</summary>
    public static IEnumerable<CatalogueEntry> Entries(string[]? only) =>
        SamplerCatalogue.All.Where(entry => !(entry is { OwnSteps: true, Affine: false }) && (only is null || only.Contains(entry.Name)));

    /// <summary>The solvers that choose their own steps, for a tolerance.</summary>
    public static IEnumerable<(string Name, Func<double, Sampler> Make)> Adaptive(string[]? only) =>
        new (string Name, Func<double, Sampler> Make)[]
        {
            ("Bogacki-Shampine", tolerance => new AdaptiveFlowSampler(RungeKutta.BogackiShampine, new ErrorTolerance(tolerance, tolerance))),
            ("Dormand-Prince", tolerance => new AdaptiveFlowSampler(RungeKutta.DormandPrince, new ErrorTolerance(tolerance, tolerance))),
            ("DPM adaptive 12", tolerance => new DpmAdaptiveSampler(2, new AdaptiveSettings(tolerance, tolerance))),
            ("DPM adaptive 23", tolerance => new DpmAdaptiveSampler(3, new AdaptiveSettings(tolerance, tolerance))),
            ("DPM adaptive 23 ancestral", tolerance => new DpmAdaptiveSampler(3, new AdaptiveSettings(tolerance, tolerance), eta: 1)),
        }.Where(solver => only is null || only.Contains(solver.Name));

    /// <summary>A row.</summary>
    public Row Of(CatalogueEntry entry)
    {
        var draws = DrawsNoise(entry.Make(Steps[0]));
        var (errors, evaluations) = (new double[Steps.Length], new int[Steps.Length]);
        for (var i = 0; i < Steps.Length; i++) (errors[i], evaluations[i]) = Run(entry, Steps[i], draws, Spacing.Karras);
        var claimed = draws ? entry.Weak : entry.Flow;
        double? order = claimed is null ? null : Slope(draws ? steps => MomentError(entry, steps) : steps => Run(entry, steps, false, entry.Spacing).Error, entry.Steps);
        return new Row(entry.Name, entry.Code, draws, errors, evaluations, order, claimed);
    }

    /// <summary>The rows of an adaptive solver.</summary>
    public IEnumerable<AdaptiveRow> Of(string name, Func<double, Sampler> make)
    {
        foreach (var tolerance in (double[])[1e-1, 1e-2, 1e-3, 1e-4])
        {
            var sampler = make(tolerance);
            var (error, evaluations) = Run(sampler, LawGrids.Of(_schedule, 2), DrawsNoise(sampler) ? Stochastic : Deterministic);
            yield return new AdaptiveRow(name, tolerance, error, evaluations);
        }
    }

    /// <summary>What the noise itself leaves: the distance after so many steps of a second-order sampler that its own error is far smaller.</summary>
    public double NoiseFloor() => Run(DpmSolverMultistepSampler.PlusPlus2MSde(), LawGrids.Of(_schedule, 2000), Stochastic).Error;

    private (double Error, int Evaluations) Run(CatalogueEntry entry, int steps, bool draws, Spacing spacing) =>
        Run(entry.Make(steps), LawGrids.Of(_schedule, steps, spacing), draws ? Stochastic : Deterministic);

    private (double Error, int Evaluations) Run(Sampler sampler, TimeGrid grid, int count)
    {
        using var scope = NewDisposeScope();
        using var noise = new EvenNoise(count);
        var evaluations = 0;
        var start = Quantiles(count, LawGrids.Most).mul(grid.Start.Alpha).view(-1, 1);
        var progress = new Last(report => evaluations = report.Evaluations);
        var end = sampler.Sample(new MixtureOracle(_schedule), start, grid, noise, new SamplingHooks { Progress = progress }).div(grid.End.Alpha);
        // In one dimension the best coupling is the sorted one.
        return ((end.flatten().sort().Values - Quantiles(count, LawGrids.Least)).abs().mean().item<double>(), evaluations);
    }

    private Tensor Quantiles(int count, double sigma) =>
        _quantiles.TryGetValue((count, sigma), out var known) ? known : _quantiles[(count, sigma)] = MixtureQuantiles.At(count, sigma).DetachFromDisposeScope();

    public void Dispose()
    {
        foreach (var quantiles in _quantiles.Values) quantiles.Dispose();
    }

    // Of mean and variance of N(0.3, 0.25), exactly, as the laws have it.
    private static double MomentError(CatalogueEntry entry, int steps)
    {
        const double mean = 0.3, variance = 0.25;
        var grid = LawGrids.Of(_schedule, steps, entry.Spacing);
        double Spread(NoiseLevel level) => level.Alpha * level.Alpha * variance + level.Sigma * level.Sigma;
        var (m, v) = MomentPropagation.Of(entry.Make(steps), new GaussianDenoiser(_schedule, mean, Math.Sqrt(variance)), grid, grid.Start.Alpha * mean, Spread(grid.Start), entry.WeakNeedsPath);
        return Math.Abs(m - grid.End.Alpha * mean) + Math.Abs(v - Spread(grid.End));
    }

    // The slope through the logarithms of the errors at three doublings of the fewest steps, as far as they are above rounding.
    private static double Slope(Func<int, double> error, int fewest)
    {
        var points = Enumerable.Range(0, 4).Select(i => (Steps: fewest << i, Error: error(fewest << i))).Where(point => point.Error > 1e-11)
            .Select(point => (X: Math.Log2(point.Steps), Y: Math.Log2(point.Error))).ToList();
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return -points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }

    private static bool DrawsNoise(Sampler sampler)
    {
        using var scope = NewDisposeScope();
        using var noise = new Silence();
        sampler.Sample(new MixtureOracle(_schedule), ones(2, 1, dtype: float64), LawGrids.Of(_schedule, 5), noise);
        return noise.Asked;
    }

    private sealed class Last(Action<SamplingProgress> report) : IProgress<SamplingProgress>
    {
        public void Report(SamplingProgress value) => report(value);
    }

    private sealed class Silence : NoiseSource
    {
        public bool Asked { get; private set; }

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
        {
            Asked = true;
            return zeros(shape.ToArray(), dtype, device);
        }

        public override double NextDouble() => 0;
    }
}
