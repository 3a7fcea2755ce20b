using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class ChurnTests
{
    // γ = min(S/N, √2 − 1) within [S_min, S_max], both ends included. (Karras et al. 2022, algorithm 2)
    [Fact]
    public void TheRiseIsThatOfTheAlgorithm()
    {
        var churn = new Churn(10, 0.05, 50);
        foreach (var (sigma, steps, rise) in new[] { (0.05, 40, 0.25), (1, 40, 0.25), (50, 40, 0.25), (1, 20, Math.Sqrt(2) - 1), (0.0499, 40, 0), (50.01, 40, 0) })
            Assert.Equal(rise, churn.Rise(sigma, steps));
        Assert.Equal(0.25, new Churn(10).Rise(0, 40));
        Assert.Equal(0, new Churn(10).Rise(double.PositiveInfinity, 40)); // pure noise takes no more
        Assert.Equal(0, new Churn(0).Rise(1, 40));
    }

    // On data that is one point Euler's method is exact, so what is left of the fresh noise is that of the step: σ'/σ̂·√(σ̂² − σ²), with the factor of α.
    [Fact]
    public void TheNoiseRaisesTheLevelBeforeTheStep()
    {
        var schedule = new VariancePreservingSchedule();
        var grid = TimeGrid.FromTimes(schedule, [0.6], schedule.At(0.45));
        var (from, to) = (grid.Start, grid.End);
        using var noise = NoiseSource.FromSeed(2);
        using var same = NoiseSource.FromSeed(2);
        var states = ScriptedDenoiser.States(new EulerSampler(new Churn(0.3, noiseScale: 1.2)), new ScriptedDenoiser(schedule, _ => 0.4), grid, 1.1, noise);
        var raised = from.NoiseToSignal * 1.3;
        var state = 1.1 / from.Alpha + 1.2 * Math.Sqrt(raised * raised - from.NoiseToSignal * from.NoiseToSignal) * same.Next([1], ScalarType.Float64, CPU).item<double>();
        Assert.Equal(to.Alpha * (0.4 + to.NoiseToSignal / raised * (state - 0.4)), states[^1], 1e-9);
    }
}
