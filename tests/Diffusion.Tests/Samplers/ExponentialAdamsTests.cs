using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;
using static Diffusion.Tests.Samplers.ScriptedDenoiser;

namespace Diffusion.Tests.Samplers;

/// <summary>What DEIS, UniP and SA-Solver have in common: a polynomial through their estimates, integrated exactly.</summary>
public class ExponentialAdamsTests
{
    private static readonly VariancePreservingSchedule _schedule = new();
    private static readonly TimeGrid _grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8, 0.55, 0.4, 0.33], _schedule.At(0.2));

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void DataThatIsAPolynomialOfLogSnrIsIntegratedExactly(int order)
    {
        foreach (var tau in (double[])[0, 0.6, 1])
        {
            var states = States(new SaSolverSampler(_ => tau, order, 0), new ScriptedDenoiser(_schedule, level => Polynomial(level, order)), _grid, 0.7, new SilentNoise());
            Assert.Equal(Exact(states[^2], tau * tau, order), states[^1], 1e-12);
        }
    }

    [Theory, InlineData(3), InlineData(4)]
    public void UniPIntegratesItToo(int order)
    {
        var states = States(new UniPcSampler(order, corrects: false), new ScriptedDenoiser(_schedule, level => Polynomial(level, order)), _grid, 0.7);
        Assert.Equal(Exact(states[^2], 0, order), states[^1], 1e-12);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void DeisIsSaSolverInTheNoiseWithoutNoise(int order)
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        var deis = States(new DeisSampler(order), denoiser, _grid, 1.3);
        var adams = States(new SaSolverSampler(_ => 0, order, 0, SolverVariable.Noise), denoiser, _grid, 1.3);
        Assert.Equal(deis[^1], adams[^1], 1e-13);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void MultistepDpmSolverWithExactWeightsIsTheAdamsMethod(int order)
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        foreach (var variable in (SolverVariable[])[SolverVariable.Data, SolverVariable.Noise])
        {
            var dpm = States(new DpmSolverMultistepSampler(order, variable, second: SecondOrder.Heun), denoiser, _grid, 1.3);
            var adams = States(new SaSolverSampler(_ => 0, order, 0, variable), denoiser, _grid, 1.3);
            Assert.Equal(dpm[^1], adams[^1], 1e-12);
        }
    }

    [Theory, InlineData(SolverVariable.Data), InlineData(SolverVariable.Noise)]
    public void WithNoiseToo(SolverVariable variable)
    {
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.6);
        foreach (var tau in (double[])[0.5, 1, 1.2])
        {
            var dpm = MomentPropagation.Of(new DpmSolverMultistepSampler(3, variable, tau * tau, SecondOrder.Heun), denoiser, _grid, 0.1, 1);
            var adams = MomentPropagation.Of(new SaSolverSampler(_ => tau, 3, 0, variable), denoiser, _grid, 0.1, 1);
            Assert.Equal(dpm.Mean, adams.Mean, 1e-12);
            Assert.Equal(1, adams.Variance / dpm.Variance, 1e-12);
        }
    }

    private static double Polynomial(NoiseLevel level, int order)
    {
        var (value, power) = (0.0, 1.0);
        for (var k = 0; k < order; k++, power *= Lambda(level)) value += (0.8 - 0.3 * k) * power;
        return value;
    }

    // x' = (σ'/σ)e^{−ηh}·x + α'·H·∫₀¹ e^{−H(1−s)}·p(λ + sh) ds by Simpson's rule on 2000 pieces.
    private static double Exact(double x, double eta, int order)
    {
        var (from, to) = (_grid[^1].At.Level, _grid[^1].To);
        var h = Lambda(to) - Lambda(from);
        var length = (1 + eta) * h;
        const int Pieces = 2000;
        var sum = 0.0;
        for (var i = 0; i <= Pieces; i++)
        {
            var s = (double)i / Pieces;
            var weight = i is 0 or Pieces ? 1 : i % 2 == 1 ? 4 : 2;
            sum += weight * Math.Exp(-length * (1 - s)) * Polynomial(_schedule.AtLogSnr(from.LogSnr + 2 * s * h), order);
        }

        return to.Sigma / from.Sigma * Math.Exp(-eta * h) * x + to.Alpha * length * sum / (3 * Pieces);
    }
}
