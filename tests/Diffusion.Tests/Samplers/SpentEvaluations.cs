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
        var told = new Reports();
        sampler.Sample(new GaussianDenoiser(grid.Schedule, 0.3, 0.6), full(1, 0.7, dtype: float64), grid, noise, new SamplingHooks { Progress = told });
        if (told.Steps is { } steps) Assert.Equal(told.Totals.Count, steps);
        return [.. told.Totals.Select((total, i) => total - (i == 0 ? 0 : told.Totals[i - 1]))];
    }

    private sealed class Reports : IProgress<SamplingProgress>
    {
        public List<int> Totals { get; } = [];

        public int? Steps { get; private set; }

        public void Report(SamplingProgress value)
        {
            Totals.Add(value.Evaluations);
            Steps = value.Total;
        }
    }
}
