using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class AnnealedLangevinTests
{
    private static readonly TimeGrid _ncsn = TimeGrid.Uniform(new VarianceExplodingSchedule(0.01, 1), 10);
    private static readonly TimeGrid _ncsnV2 = TimeGrid.Uniform(new VarianceExplodingSchedule(0.01, 50), 232);

    // Uniform noise in [0, 1] has the variance 1/12.
    [Theory, InlineData(1, 1.031454), InlineData(0.25, 0.257909)]
    public void TheFirstSettingsInflateTheVarianceByThreePercent(double dataVariance, double expected) =>
        Assert.Equal(expected, FinalVariance(AnnealedLangevinSampler.Ncsn, _ncsn, dataVariance, 1.0 / 12), 6e-7);

    [Theory, InlineData(1, 1.138567), InlineData(0.25, 0.284555), InlineData(0.0625, 0.071052)]
    public void TheSecondSettingsInflateItByFourteen(double dataVariance, double expected) =>
        Assert.Equal(expected, FinalVariance(AnnealedLangevinSampler.NcsnV2, _ncsnV2, dataVariance, 1.0 / 12), 6e-7);

    [Fact]
    public void DenoisingTakesOnlyTheLastNoiseAway() =>
        Assert.Equal(1.138794, FinalVariance(new AnnealedLangevinSampler(5, 6.2e-6, denoise: false), _ncsnV2, 1, 1.0 / 12), 6e-7);

    [Fact]
    public void SmallStepsReachTheMarginalOfTheLastLevel()
    {
        // With ε small against σ_L² and enough steps the inflation ε/2v is all that is left.
        var grid = TimeGrid.Uniform(new VarianceExplodingSchedule(0.5, 2), 3);
        const double variance = 0.25 + 0.25, size = 0.002;
        Assert.Equal(variance / (1 - size / (2 * variance)), FinalVariance(new AnnealedLangevinSampler(3000, size, denoise: false), grid, 0.25, 4, last: 3000), 1e-8);
    }

    [Fact]
    public void TheLaddersNumbersAreThePublishedOnes()
    {
        Assert.Equal(1.0555, NcsnLadder.VarianceRatio(6.2e-6, 5, Math.Pow(5000, 1.0 / 231), 0.01), 5e-5);
        // Technique 2 for 32 × 32 colour images, σ from 50 to 0.01: the paper's 232 levels overlap by 0.57, "about a half".
        Assert.Equal(232, NcsnLadder.Levels(50, 0.01, Math.Pow(5000, 1.0 / 231)));
        Assert.Equal(1.03756, NcsnLadder.Ratio(3 * 32 * 32, 0.567), 2e-4);
        Assert.Equal(220, NcsnLadder.Levels(50, 0.01, NcsnLadder.Ratio(3 * 32 * 32)));
        Assert.Equal(10, NcsnLadder.Levels(1, 0.01, Math.Pow(100, 1.0 / 9)));
    }

    [Fact]
    public void TheRatioSolvesItsEquation()
    {
        foreach (var dimensions in new long[] { 8, 100, 784, 12288 })
        {
            var ratio = NcsnLadder.Ratio(dimensions);
            var shift = Math.Sqrt(2.0 * dimensions) * (ratio - 1);
            Assert.Equal(0.5, NormalDistribution.Cumulative(shift + 3 * ratio) - NormalDistribution.Cumulative(shift - 3 * ratio), 1e-12);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => NcsnLadder.Ratio(2));
    }

    [Theory, InlineData(5, 1.037559), InlineData(1, 3), InlineData(100, 1.67)]
    public void NoStepSizeIsBetterThanTheChosenOne(int steps, double ratio)
    {
        var size = NcsnLadder.StepSize(steps, ratio, 0.01);
        var best = NcsnLadder.VarianceRatio(size, steps, ratio, 0.01);
        Assert.True(best > 1);
        foreach (var factor in new[] { 0.5, 0.9, 0.999, 1.001, 1.1, 1.9 })
            if (size * factor < 1e-4) Assert.True(NcsnLadder.VarianceRatio(size * factor, steps, ratio, 0.01) >= best);
    }

    [Fact]
    public void TheLargestDistanceIsBetweenTheFarthestPoints()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(5, NcsnLadder.LargestDistance(tensor(new[,] { { 0f, 0f }, { 1f, 1f }, { 3f, 4f } })), 1e-6);
        Assert.Throws<ArgumentException>(() => NcsnLadder.LargestDistance(zeros(1, 2)));
    }

    [Fact]
    public void ASchedulesWhoseDataFactorChangesIsRefused()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new VariancePreservingSchedule();
        var error = Assert.Throws<ArgumentException>(() => AnnealedLangevinSampler.Ncsn.Sample(new GaussianDenoiser(schedule), zeros(1, 2), TimeGrid.Uniform(schedule, 5), noise));
        Assert.Contains("RescheduledDenoiser", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AnnealedLangevinSampler(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AnnealedLangevinSampler(1, 0));
    }

    [Theory, InlineData(true, 13), InlineData(false, 12)]
    public void ProgressCountsEveryStepOfEveryLevel(bool denoise, int steps)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var reports = new SamplingReports();
        var grid = TimeGrid.Uniform(new VarianceExplodingSchedule(0.1, 1), 4);
        var hooks = new SamplingHooks { Progress = reports };
        new AnnealedLangevinSampler(3, 1e-3, denoise).Sample(new GaussianDenoiser(grid.Schedule), zeros(1, 2), grid, noise, hooks);
        Assert.Equal(steps, reports.All.Count);
        Assert.All(reports.All, report => Assert.Equal(steps, report.Total));
        Assert.Equal(steps, reports.All[^1].Evaluations);
        Assert.Equal(denoise, double.IsPositiveInfinity(reports.All[^1].LogSnr));
    }

    private static double FinalVariance(Sampler sampler, TimeGrid grid, double dataVariance, double startVariance, int? last = null)
    {
        if (last is not null) grid = new TimeGrid(grid.Schedule, grid[^1]); // one level only: the same law, fewer noises to follow
        return MomentPropagation.Of(sampler, new GaussianDenoiser(grid.Schedule, 0, Math.Sqrt(dataVariance)), grid, 0, startVariance).Variance;
    }
}
