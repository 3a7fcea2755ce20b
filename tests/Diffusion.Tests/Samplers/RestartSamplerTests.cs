using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class RestartSamplerTests
{
    private const double Mean = 0.3;
    private const double Deviation = 0.5;

    public static TheoryData<string> Schedules => new(LawSchedules.Names);

    [Theory, MemberData(nameof(Schedules))]
    public void WithAnExactSolverTheMarginalsStayExact(string name)
    {
        var schedule = LawSchedules.Of(name);
        var grid = LawGrids.Of(schedule, 8);
        var sampler = new RestartSampler(new ExactSolver(), [new RestartInterval(0.1, 2, 3, repeats: 4), new RestartInterval(5, 30, 2)]);
        var (start, end) = (Marginal(grid.Start), Marginal(grid.End));
        var (mean, variance) = MomentPropagation.Of(sampler, new GaussianDenoiser(schedule, Mean, Deviation), grid, start.Mean, start.Variance);
        Assert.Equal(end.Mean, mean, 1e-10);
        Assert.Equal(1, variance / end.Variance, 1e-10);
    }

    [Fact]
    public void NoiseContractsTheErrorOfTheStart()
    {
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 8);
        var denoiser = new GaussianDenoiser(schedule, Mean, Deviation);
        double Error(Sampler sampler) => Math.Abs(MomentPropagation.Of(sampler, denoiser, grid, 0, 4 * grid.Start.Sigma * grid.Start.Sigma).Variance / Marginal(grid.End).Variance - 1);
        var restarted = Error(new RestartSampler(new ExactSolver(), [new RestartInterval(0.1, 5, 1, repeats: 2)]));
        // Each walk from σ = 5 to about 0.1 keeps (0.25 + 0.1²)/(0.25 + 5²) of an error in the variance.
        Assert.True(restarted < 0.001 * Error(new ExactSolver()), $"{restarted:e3}");
    }

    [Fact]
    public void WalksTheStretchAgainAsManyTimesAsAsked()
    {
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 6);
        var steps = new RestartSampler(new HeunSampler(), [new RestartInterval(0.3, 2, 3, repeats: 2)]).Expand(grid).ToArray();
        Assert.Equal(6 + 2 * (1 + 3), steps.Length);
        for (var i = 1; i < steps.Length; i++) Assert.Equal(steps[i - 1].To, steps[i].At.Level);
        var jumps = steps.Where(step => step.To.NoiseToSignal > step.At.Level.NoiseToSignal).ToArray();
        Assert.Equal(2, jumps.Length);
        Assert.All(jumps, jump => Assert.Equal(2, jump.To.NoiseToSignal, 1e-9));
        Assert.All(jumps, jump => Assert.Contains(grid, step => step.To == jump.At.Level));
    }

    // The way down again is a ramp of σ^{1/ρ}, from the step's end that is nearest to the lower end by its ratio, whichever step that is.
    [Theory]
    [InlineData(0.9, 0)]
    [InlineData(0.7, 1)] // ln(0.7/0.5) < ln(1/0.7)
    [InlineData(0.72, 0)]
    [InlineData(0.15, 2)]
    public void TheWalkIsARampOfTheRoots(double sigmaMin, int after)
    {
        var schedule = new KarrasSchedule(0.002, 80);
        double[] levels = [10, 1, 0.5, 0.1, 0.02];
        var grid = TimeGrid.FromPoints(schedule, [.. levels.Select(level => (NoisePoint)schedule.AtNoiseToSignal(level))], schedule.At(0) with { Sigma = 0 });
        var steps = new RestartSampler(new HeunSampler(), [new RestartInterval(sigmaMin, 4, 3)], rho: 3).Expand(grid).Select(step => step.To.NoiseToSignal).ToArray();
        var low = levels[after + 1];
        double Ramp(double part) => Math.Pow(Math.Pow(4, 1.0 / 3) + (Math.Pow(low, 1.0 / 3) - Math.Pow(4, 1.0 / 3)) * part, 3);
        double[] expected = [.. levels[1..(after + 2)], 4, Ramp(1.0 / 3), Ramp(2.0 / 3), low, .. levels[(after + 2)..], 0];
        Assert.Equal(expected.Length, steps.Length);
        for (var i = 0; i < steps.Length; i++) Assert.Equal(expected[i], steps[i], 1e-9);
    }

    // A restart that goes up no higher than where it starts is none.
    [Theory]
    [InlineData(1)]
    [InlineData(0.99)]
    public void AnIntervalBelowItsLevelOfTheGridIsRefused(double sigmaMax)
    {
        var schedule = new KarrasSchedule(0.002, 80);
        var grid = TimeGrid.FromPoints(schedule, [schedule.AtNoiseToSignal(10)], NoiseLevel.Of(1, 1));
        var error = Assert.Throws<ArgumentException>(() => new RestartSampler(new HeunSampler(), [new RestartInterval(0.5, sigmaMax, 2)]).Expand(grid));
        Assert.Contains($"{sigmaMax:g6}", error.Message, StringComparison.Ordinal);
        var clean = TimeGrid.FromPoints(schedule, [schedule.AtNoiseToSignal(10)], NoiseLevel.Of(1, 0));
        Assert.Contains("none to restart at", Assert.Throws<ArgumentException>(() => new RestartSampler(new HeunSampler(), [new RestartInterval(0.5, 2, 2)]).Expand(clean)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WrapsSamplersWithAHistoryAndLeavesNothing()
    {
        var schedule = LawSchedules.Of("cosine");
        var denoiser = new GaussianDenoiser(schedule, Mean, Deviation);
        var grid = LawGrids.ToData(schedule, 10);
        using var noise = NoiseSource.FromSeed(0);
        using var start = full(4, 70 * grid.Start.Alpha, dtype: float64);
        var before = LiveTensors.Count();
        var histories = new List<int>();
        var hooks = new SamplingHooks { OnStep = (step, _, _) => histories.Add(step.History.Count) };
        using (var end = new RestartSampler(new LinearMultistepSampler(4), [new RestartInterval(0.5, 3, 3, repeats: 2)]).Sample(denoiser, start, grid, noise, hooks))
            Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(before, LiveTensors.Count());
        Assert.Equal(10 + 2 * 4, histories.Count);
        Assert.Equal(3, histories.Count(count => count == 1)); // the first step of the run, and the first after each jump
    }

    [Fact]
    public void RejectsIntervalsThatGoNowhere()
    {
        var schedule = LawSchedules.Of("vp");
        using var noise = NoiseSource.FromSeed(0);
        using var start = ones(1);
        var sampler = new RestartSampler(new HeunSampler(), [new RestartInterval(1e-5, 1e-4, 2)]);
        Assert.Throws<ArgumentException>(() => sampler.Sample(new GaussianDenoiser(schedule), start, LawGrids.Of(schedule, 4), noise));
        Assert.Throws<ArgumentException>(() => new RestartSampler(new HeunSampler(), []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RestartInterval(2, 1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RestartInterval(1, 2, 0));
    }

    private static (double Mean, double Variance) Marginal(NoiseLevel level) => (level.Alpha * Mean, level.Alpha * level.Alpha * Deviation * Deviation + level.Sigma * level.Sigma);

    // The flow of N(m, s²) in one step, whatever its length.
    private sealed class ExactSolver : Sampler
    {
        protected override Tensor Step(SamplerStep step, Tensor x)
        {
            var (from, to) = (Marginal(step.From), Marginal(step.To));
            return x.sub(from.Mean).mul_(Math.Sqrt(to.Variance / from.Variance)).add_(to.Mean);
        }
    }
}
