using Diffusion.Denoisers;
using Diffusion.Integration;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

public class AdaptiveSamplerTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void ATighterToleranceGivesASmallerErrorForMoreEvaluations(int order)
    {
        var exact = ExactFlow.OfMixture(14, 20, 0.05);
        var (errors, evaluations) = (new List<double>(), new List<int>());
        foreach (var tolerance in new[] { 1e-2, 1e-3, 1e-4, 1e-5 })
        {
            var settings = new AdaptiveSettings(tolerance, tolerance);
            var (end, run) = Run(new DpmAdaptiveSampler(order, settings), 14);
            errors.Add(Math.Abs(end - exact));
            evaluations.Add(run[^1].Evaluations);
        }

        for (var i = 1; i < errors.Count; i++)
        {
            Assert.True(errors[i] < errors[i - 1] / 2, $"errors {string.Join(", ", errors)}");
            Assert.True(evaluations[i] > evaluations[i - 1], $"evaluations {string.Join(", ", evaluations)}");
        }

        Assert.True(errors[^1] < 1e-5, $"errors {string.Join(", ", errors)}");
    }

    [Fact]
    public void ARefusedTrialStaysWhereItWasAndKeepsItsFirstEstimate()
    {
        // The first step is far too long: it is refused, more than once, at two further evaluations each.
        var settings = new AdaptiveSettings(1e-3, 1e-3, firstStep: 6);
        var (_, run) = Run(new DpmAdaptiveSampler(3, settings), 14);
        var refused = run.Zip(run.Skip(1), (a, b) => (a, b)).TakeWhile(pair => pair.b.Evaluations - pair.a.Evaluations == 2).Count();
        Assert.True(refused >= 1, $"evaluations {string.Join(", ", run.Select(report => report.Evaluations))}");
        Assert.All(run, report => Assert.Null(report.Total));
    }

    [Fact]
    public void WithoutRefusalsAStepTakesAsManyEvaluationsAsItsOrder()
    {
        var (_, run) = Run(new DpmAdaptiveSampler(3, new AdaptiveSettings(relative: 1, absolute: 1)), 14);
        for (var i = 1; i < run.Count; i++) Assert.Equal(3, run[i].Evaluations - run[i - 1].Evaluations);
    }

    [Fact]
    public void ADenoiserThatBreaksIsReportedRatherThanTriedForever()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = LawSchedules.Of("vp");
        var error = Assert.Throws<InvalidOperationException>(() => new DpmAdaptiveSampler().Sample(new Broken(schedule), ones(2, 1), LawGrids.Of(schedule, 4), noise));
        Assert.Contains("not a number", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PureNoiseHasNoLogSnrToStartFrom()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = LawSchedules.Of("flow");
        foreach (var sampler in new Sampler[] { new DpmAdaptiveSampler(), new DpmFastSampler(6) })
        {
            var error = Assert.Throws<ArgumentException>(() => sampler.Sample(new GaussianDenoiser(schedule), ones(2, 1), TimeGrid.Uniform(schedule, 4), noise));
            Assert.Contains("log-SNR", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheControllerLengthensAfterSmallErrorsAndRefusesLargeOnes()
    {
        var control = new PidController(0.1, order: 3);
        Assert.True(control.Accept(0.01));
        Assert.Equal(0.1 * (1 + Math.Atan(Math.Pow(100, 1.0 / 3) - 1)), control.Length, 1e-6);
        Assert.True(control.Accept(1));
        Assert.False(control.Accept(30));
        var after = control.Length;
        Assert.True(after < 0.1 * (1 + Math.Atan(Math.Pow(100, 1.0 / 3) - 1)));
        Assert.Throws<InvalidOperationException>(() => control.Accept(double.NaN));
    }

    [Fact]
    public void SettingsThatMakeNoSenseAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveSettings(relative: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveSettings(absolute: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveSettings(firstStep: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveSettings(safety: 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DpmAdaptiveSampler(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DpmFastSampler(0));
    }

    private static (double End, List<SamplingProgress> Reports) Run(Sampler sampler, double start)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 1, from: 20, to: 0.05);
        var reports = new SamplingReports();
        var end = sampler.Sample(new MixtureOracle(schedule), full(1, start * grid.Start.Alpha, dtype: float64), grid, noise, new SamplingHooks { Progress = reports });
        return (end.item<double>() / grid.End.Alpha, reports.All);
    }

    private sealed class Broken(NoiseSchedule schedule) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(full_like(x, double.NaN));
    }
}
