using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;
using static Diffusion.Tests.Samplers.ScriptedDenoiser;

namespace Diffusion.Tests.Samplers;

public class DpmSolverSinglestepSamplerTests
{
    private static readonly VariancePreservingSchedule _schedule = new();
    private static readonly TimeGrid _grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8, 0.55, 0.4, 0.33], _schedule.At(0.2));

    [Fact]
    public void ThirdOrderInTheNoiseMakesTheRecordedErrors() => RecordedErrors.Are(
        [2.739e-4, 2.760e-5, 3.036e-6, 3.539e-7, 4.264e-8, 5.230e-9, 6.476e-10], _ => new DpmSolverSinglestepSampler(3, SolverVariable.Noise), Spacing.LogSnr);

    [Fact]
    public void SecondOrderInTheDataMakesTheRecordedErrors() => RecordedErrors.Are(
        [1.388e-2, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, 3.910e-6], _ => new DpmSolverSinglestepSampler());

    [Fact]
    public void SecondOrderInTheNoiseIsDpm2()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        Assert.Equal(States(new Dpm2Sampler(), denoiser, _grid, 1.2)[^1], States(new DpmSolverSinglestepSampler(2, SolverVariable.Noise), denoiser, _grid, 1.2)[^1], 1e-12);
    }

    [Fact]
    public void SecondOrderInTheDataIsDpmPlusPlus2S()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        Assert.Equal(States(new DpmPlusPlus2SAncestralSampler(eta: 0), denoiser, _grid, 1.2)[^1], States(new DpmSolverSinglestepSampler(), denoiser, _grid, 1.2)[^1], 1e-12);
    }

    [Fact]
    public void SecondOrderWithNoiseIsDpmPlusPlusSde()
    {
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.6);
        var sde = MomentPropagation.Of(new DpmPlusPlusSdeSampler(), denoiser, _grid, 0.1, 1, brownian: true);
        var single = MomentPropagation.Of(new DpmSolverSinglestepSampler(eta: 1), denoiser, _grid, 0.1, 1, brownian: true);
        Assert.Equal(sde.Mean, single.Mean, 1e-12);
        Assert.Equal(sde.Variance, single.Variance, 1e-12);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void AsksAsOftenAsItsOrderSays(int order) => Assert.All(SpentEvaluations.Of(new DpmSolverSinglestepSampler(order), _grid), spent => Assert.Equal(order, spent));

    // Heun's form integrates the line through the estimates at the start and half-way: σ'/σ·x + σ'·∫ e^λ·(m₀ + (m₁ − m₀)·2s) dλ, s the part of the step.
    [Fact]
    public void HeunsFormIntegratesTheLineThroughItsEstimates()
    {
        var grid = TimeGrid.FromTimes(_schedule, [0.6], _schedule.At(0.45));
        var (from, to) = (grid.Start, grid.End);
        var (start, end) = (Lambda(from), Lambda(to));
        static double Data(double lambda) => Math.Sin(1 + lambda);
        var (m0, m1) = (Data(start), Data((start + end) / 2));
        var integral = new GaussLegendre(16).Integrate(at => Math.Exp(at) * (m0 + (m1 - m0) * 2 * (at - start) / (end - start)), start, end);
        var states = States(new DpmSolverSinglestepSampler(2, form: SecondOrder.Heun), new ScriptedDenoiser(_schedule, level => Data(Lambda(level))), grid, 1.1);
        Assert.Equal(to.Sigma / from.Sigma * 1.1 + to.Sigma * integral, states[^1], 1e-12);
    }

    [Fact]
    public void StartsFromPureNoise()
    {
        // The first step from α = 0 is of first order: the mean of the data and what is left of the noise.
        var schedule = new RectifiedFlowSchedule();
        var grid = TimeGrid.FromTimes(schedule, [1.0], schedule.At(0.5));
        var states = States(new DpmSolverSinglestepSampler(3), new GaussianDenoiser(schedule, 0.3, 0.6), grid, 2);
        Assert.Equal(0.5 * 0.3 + 0.5 * 2, states[^1], 1e-14);
    }

    [Theory, InlineData(0), InlineData(4)]
    public void RejectsOrdersThatItDoesNotHave(int order) => Assert.Throws<ArgumentOutOfRangeException>(() => new DpmSolverSinglestepSampler(order));
}
