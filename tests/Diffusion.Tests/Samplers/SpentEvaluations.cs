using Diffusion.Denoisers;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>How often a sampler asks the denoiser in each step of a run.</summary>
internal static class SpentEvaluations
{
    public static int[] Of(Sampler sampler, TimeGrid grid)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var reports = new SamplingReports();
        sampler.Sample(new GaussianDenoiser(grid.Schedule, 0.3, 0.6), full(1, 0.7, dtype: float64), grid, noise, new SamplingHooks { Progress = reports });
        if (reports.All[^1].Total is { } total) Assert.Equal(total, reports.All.Count);
        return [.. reports.All.Select((report, i) => report.Evaluations - (i == 0 ? 0 : reports.All[i - 1].Evaluations))];
    }
}
