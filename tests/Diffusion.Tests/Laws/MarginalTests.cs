using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The reverse equations of the family, the flow among them, pass through the marginal of the forward process at every time.</summary>
public class MarginalTests
{
    private static NoiseSchedule Of(string name) => name switch
    {
        "vp" => new VariancePreservingSchedule(),
        "sub-vp" => new SubVariancePreservingSchedule(),
        "ve" => new VarianceExplodingSchedule(0.1, 5),
        _ => new LinearSdeSchedule(t => 0.4 * Math.Cos(3 * t) - 1, t => 0.5 + 2 * t, 0.01), // one of the user's own
    };

    [Theory]
    [InlineData("vp", 0)]
    [InlineData("vp", 1)]
    [InlineData("vp", 0.5)]
    [InlineData("sub-vp", 0)]
    [InlineData("sub-vp", 1)]
    [InlineData("ve", 0)]
    [InlineData("ve", 1)]
    [InlineData("ve", 1.5)]
    [InlineData("own", 0)]
    [InlineData("own", 1)]
    public void TheReverseEquationHasThemAtTenTimes(string name, double eta)
    {
        using var scope = NewDisposeScope();
        var schedule = Of(name);
        const int steps = 1800, each = steps / 10;
        double Marginal(NoiseLevel level) => level.Alpha * level.Alpha * 0.25 + level.Sigma * level.Sigma;
        var (from, to) = (0.95, 0.05);
        double Time(int i) => from + (to - from) * i / steps;
        var grid = TimeGrid.FromTimes(schedule, [.. Enumerable.Range(0, steps).Select(Time)], schedule.At(to));
        var seen = 0;
        // Noise as in infinitely many dimensions: the mean square of the state is its variance, without a random number.
        new StochasticHeunSampler(eta).Sample(new GaussianDenoiser(schedule, 0, 0.5), OrthogonalNoise.State(steps + 1, Marginal(grid.Start)), grid, new OrthogonalNoise(), new SamplingHooks
        {
            OnStep = (step, x, _) =>
            {
                if ((step.Index + 1) % each != 0) return;
                seen++;
                Assert.Equal(Marginal(step.To), x.square().mean().item<double>(), 2e-4 * Marginal(step.To)); // second order in steps of 1/2000
            },
        });
        Assert.Equal(10, seen);
    }
}
