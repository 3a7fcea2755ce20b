using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Errors of solvers of the flow on N(0.3, 0.25) from σ̂ = 80 to 0.002, started at m + √(s² + 80²), that were computed independently in VE coordinates and
/// recorded to four digits.
/// </summary>
internal static class RecordedErrors
{
    /// <summary>Asserts the errors at 16, 32, 64, … steps.</summary>
    public static void Are(double[] errors, Func<int, Sampler> sampler, Spacing spacing = Spacing.Karras, int extraSteps = 0)
    {
        for (var i = 0; i < errors.Length; i++)
        {
            var steps = 16 << i;
            var expected = errors[i];
            if (double.IsNaN(expected)) continue; // not recorded
            var actual = Of(sampler(steps), steps, spacing, extraSteps);
            // Four recorded digits; the smallest errors are near the rounding of the state.
            Assert.True(Math.Abs(actual - expected) <= 6e-4 * expected + 1e-13, $"At {steps} steps the error is {actual:e4}; {expected:e3} is recorded.");
        }
    }

    private static double Of(Sampler sampler, int steps, Spacing spacing, int extraSteps)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var denoiser = new GaussianDenoiser(new VariancePreservingSchedule(), 0.3, 0.5);
        var grid = LawGrids.Of(denoiser.Schedule, steps, spacing);
        for (var i = 0; i < extraSteps; i++) grid = Lengthen(grid);
        var start = 0.3 + Math.Sqrt(0.25 + LawGrids.Most * LawGrids.Most);
        var x = full(1, start * grid.Start.Alpha, dtype: float64);
        var end = sampler.Sample(denoiser, x, grid, noise).item<double>() / grid.End.Alpha;
        return Math.Abs(end - ExactFlow.Gaussian(start, LawGrids.Most, LawGrids.Least, 0.3, 0.5));
    }

    /// <summary>One step more, from the last level to itself: there a corrector corrects the last step and a predictor stays where it is.</summary>
    private static TimeGrid Lengthen(TimeGrid grid) => new(grid.Schedule, [.. grid, new GridStep(grid.End, grid.End)]);
}
