using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class DpmSolverMultistepSamplerTests
{
    [Fact]
    public void SecondOrderMakesTheRecordedErrors() => RecordedErrors.Are(
        [3.526e-2, 7.944e-3, 1.844e-3, 4.448e-4, 1.093e-4, 2.708e-5, 6.742e-6], _ => DpmSolverMultistepSampler.PlusPlus2M());

    [Fact]
    public void ThirdOrderAsPublishedMakesTheRecordedErrors() => RecordedErrors.Are(
        [1.287e-2, 6.336e-4, 3.313e-4, 1.018e-4, 2.768e-5, 7.192e-6, 1.831e-6], _ => DpmSolverMultistepSampler.PlusPlus3M(ThirdOrder.AsPublished));

    [Fact]
    public void ThirdOrderCorrectedMakesTheRecordedErrors() => RecordedErrors.Are(
        [4.235e-2, 2.252e-3, 2.614e-4, 3.137e-5, 3.845e-6, 4.763e-7, 5.938e-8], _ => DpmSolverMultistepSampler.PlusPlus3M());

    // From 80·z on N(0, 0.25), Karras levels of which the last goes to clean data: the standard deviations left. (edm range)
    [Theory]
    [InlineData(0, 10, 0.57938666), InlineData(0, 20, 0.52461888), InlineData(0, 40, 0.50519242), InlineData(0, 100, 0.50073757), InlineData(0, 1000, 0.49999332)]
    [InlineData(1, 10, 0.58341336), InlineData(1, 20, 0.55591870), InlineData(1, 40, 0.51381207), InlineData(1, 100, 0.50200569), InlineData(1, 1000, 0.50001490)]
    public void SecondOrderLeavesTheRecordedDeviations(double eta, int steps, double expected)
    {
        var schedule = new VariancePreservingSchedule();
        var grid = LawGrids.ToData(schedule, steps);
        var (mean, variance) = MomentPropagation.Of(DpmSolverMultistepSampler.PlusPlus2MSde(eta), new GaussianDenoiser(schedule, 0, 0.5), grid,
            0, Math.Pow(LawGrids.Most * grid.Start.Alpha, 2));
        Assert.Equal(0, mean, 1e-12);
        Assert.Equal(expected, Math.Sqrt(variance), 5e-9);
    }

    [Fact]
    public void FirstOrderIsDdim()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var schedule = new CosineSchedule();
        var denoiser = new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture);
        var grid = TimeGrid.Uniform(schedule, 9);
        var x = schedule.DrawPrior([5, 1], noise, dtype: ScalarType.Float64);
        var ddim = new DdimSampler().Sample(denoiser, x, grid, noise);
        var first = new DpmSolverMultistepSampler(1).Sample(denoiser, x, grid, noise);
        Assert.True(allclose(ddim, first, 1e-12, 1e-12));
        var low = TimeGrid.Uniform(schedule, 9, from: 0.99);
        var inNoise = new DpmSolverMultistepSampler(1, SolverVariable.Noise).Sample(denoiser, x, low, noise);
        Assert.True(allclose(new DdimSampler().Sample(denoiser, x, low, noise), inNoise, 1e-10, 1e-10));
    }

    [Fact]
    public void FirstOrderWithNoiseIsAncestralSampling()
    {
        var schedule = new VariancePreservingSchedule();
        var denoiser = new GaussianDenoiser(schedule, 0.4, 0.7);
        var grid = TimeGrid.Uniform(schedule, 7);
        var ddpm = MomentPropagation.Of(new DdpmSampler(), denoiser, grid, 0, 1);
        var sde = MomentPropagation.Of(new DpmSolverMultistepSampler(1, eta: 1), denoiser, grid, 0, 1);
        Assert.Equal(ddpm.Mean, sde.Mean, 1e-12);
        Assert.Equal(ddpm.Variance, sde.Variance, 1e-12);
    }

    // The noise of a step in the noise is √η·σ'·√(e²ʰ − 1): η of the variance of the reverse equation's, whose ε stands still.
    [Theory, InlineData(1), InlineData(0.5)]
    public void InTheNoiseAStepTakesItsShareOfTheVariance(double eta)
    {
        var schedule = new VariancePreservingSchedule();
        var grid = TimeGrid.FromTimes(schedule, [0.6], schedule.At(0.45));
        var (from, to) = (grid.Start, grid.End);
        var h = ScriptedDenoiser.Lambda(to) - ScriptedDenoiser.Lambda(from);
        using var noise = NoiseSource.FromSeed(2);
        using var same = NoiseSource.FromSeed(2);
        var eps = (1.1 - from.Alpha * 0.4) / from.Sigma;
        var expected = to.Alpha / from.Alpha * 1.1 - (1 + eta) * to.Sigma * (Math.Exp(h) - 1) * eps + Math.Sqrt(eta * (Math.Exp(2 * h) - 1)) * to.Sigma * same.Next([1], ScalarType.Float64, CPU).item<double>();
        Assert.Equal(expected, ScriptedDenoiser.States(new DpmSolverMultistepSampler(1, SolverVariable.Noise, eta), new ScriptedDenoiser(schedule, _ => 0.4), grid, 1.1, noise)[^1], 1e-12);
    }

    // The form of diffusers is one of its equation with noise; its flow is the published one.
    [Fact]
    public void WithoutNoiseTheFormOfDiffusersIsThePublishedOne()
    {
        var schedule = new VariancePreservingSchedule();
        var grid = TimeGrid.FromTimes(schedule, [0.9, 0.8, 0.6, 0.45], schedule.At(0.3));
        double Run(ThirdOrder third) => ScriptedDenoiser.States(new DpmSolverMultistepSampler(3, third: third), new ScriptedDenoiser(schedule, level => Math.Sin(ScriptedDenoiser.Lambda(level))), grid, 1.1)[^1];
        Assert.Equal(Run(ThirdOrder.AsPublished), Run(ThirdOrder.AsInDiffusers));
        Assert.NotEqual(Run(ThirdOrder.AsPublished), Run(ThirdOrder.Corrected), 1e-6);
    }

    [Fact]
    public void DescendingEndingIsFirstOrderInTheEnd()
    {
        // Two steps: with a descending ending the second is of first order, so all of it is DDIM.
        var schedule = new VariancePreservingSchedule();
        var denoiser = new GaussianDenoiser(schedule, 0.4, 0.7);
        var grid = LawGrids.Of(schedule, 2);
        (double, double) End(Sampler sampler) => MomentPropagation.Of(sampler, denoiser, grid, 0.1, 1);
        var ddim = End(new DdimSampler());
        foreach (var ending in (MultistepEnding[])[MultistepEnding.Descending, MultistepEnding.ShortRuns, MultistepEnding.EulerLast])
        {
            var (mean, variance) = End(new DpmSolverMultistepSampler(3, ending: ending));
            Assert.Equal(ddim.Item1, mean, 1e-13);
            Assert.Equal(ddim.Item2, variance, 1e-13);
        }

        Assert.NotEqual(ddim.Item2, End(new DpmSolverMultistepSampler(3)).Item2, 1e-3);
    }

    [Fact]
    public void NoiseFormRefusesPureNoise()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new RectifiedFlowSchedule();
        var error = Assert.Throws<ArgumentException>(() => new DpmSolverMultistepSampler(2, SolverVariable.Noise)
            .Sample(new GaussianDenoiser(schedule), zeros(1, 1), TimeGrid.Uniform(schedule, 4), noise));
        Assert.Contains("SolverVariable.Data", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoiseCannotBeAddedUpward()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new VariancePreservingSchedule();
        var upward = TimeGrid.FromTimes(schedule, [0.1, 0.5], schedule.At(1));
        Assert.Throws<ArgumentException>(() => DpmSolverMultistepSampler.PlusPlus2MSde().Sample(new GaussianDenoiser(schedule), zeros(1, 1), upward, noise));
    }

    [Theory, InlineData(0), InlineData(4)]
    public void RejectsOrdersThatItDoesNotHave(int order) => Assert.Throws<ArgumentOutOfRangeException>(() => new DpmSolverMultistepSampler(order));
}
