using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;
using static Diffusion.Tests.Samplers.ScriptedDenoiser;

namespace Diffusion.Tests.Samplers;

public class ErSdeSamplerTests
{
    private static readonly VariancePreservingSchedule _schedule = new();
    private static readonly TimeGrid _grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8, 0.55, 0.4, 0.33], _schedule.At(0.2));

    [Fact]
    public void FlowOfFirstOrderIsDdim()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        Assert.Equal(States(new DdimSampler(), denoiser, _grid, 1.2)[^1], States(new ErSdeSampler(1, ErSdeSampler.Flow), denoiser, _grid, 1.2)[^1], 1e-13);
    }

    [Fact]
    public void ReverseEquationOfFirstOrderIsDdpm()
    {
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.6);
        var ddpm = MomentPropagation.Of(new DdpmSampler(), denoiser, _grid, 0.1, 1);
        var extended = MomentPropagation.Of(new ErSdeSampler(1, ErSdeSampler.ReverseEquation), denoiser, _grid, 0.1, 1);
        Assert.Equal(ddpm.Mean, extended.Mean, 1e-12);
        Assert.Equal(ddpm.Variance, extended.Variance, 1e-12);
    }

    // φ(x) = x·(e^{x^0.3} + 10). (Cui et al. 2023, ER-SDE 5)
    [Fact]
    public void ThePublishedNoiseIsTheDefault()
    {
        Assert.Equal(Math.E + 10, ErSdeSampler.PublishedNoise(1), 1e-14);
        Assert.Equal(2 * (Math.Exp(Math.Pow(2, 0.3)) + 10), ErSdeSampler.PublishedNoise(2), 1e-13);
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.6);
        Assert.Equal(States(new ErSdeSampler(2, ErSdeSampler.PublishedNoise), denoiser, _grid, 1.2), States(new ErSdeSampler(2), denoiser, _grid, 1.2));
    }

    [Theory, InlineData(1.5), InlineData(2), InlineData(3)]
    public void EveryPowerKeepsTheVarianceOfPointData(double power)
    {
        // On a single point x̂₀ is the truth: r·noise + fresh noise must be the noise of the target, for every φ.
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0);
        var start = _grid.Start;
        var (mean, variance) = MomentPropagation.Of(new ErSdeSampler(1, x => Math.Pow(x, power)), denoiser, _grid, start.Alpha * 0.3, start.Sigma * start.Sigma);
        Assert.Equal(_grid.End.Alpha * 0.3, mean, 1e-12);
        Assert.Equal(_grid.End.Sigma * _grid.End.Sigma, variance, 1e-12);
    }

    // Data that is a polynomial of σ̂ of one degree less than the order: exact but for the decay of what the start-up left.
    [Theory, InlineData(2), InlineData(3)]
    public void DataThatIsAPolynomialOfSigmaIsIntegratedExactly(int order)
    {
        double Data(double sigma) => order == 2 ? 0.4 - 0.7 * sigma : 0.4 - 0.7 * sigma + 0.3 * sigma * sigma;
        var states = States(new ErSdeSampler(order, ErSdeSampler.ReverseEquation), new ScriptedDenoiser(_schedule, level => Data(level.NoiseToSignal)), _grid, 0.7, new SilentNoise());
        var (from, to) = (_grid[^1].At.Level.NoiseToSignal, _grid[^1].To.NoiseToSignal);
        // φ = τ²: x̂' = r·x̂ + σ̂'²·∫ D(τ)·2/τ³ dτ over [σ̂', σ̂].
        double Primitive(double s) => -0.4 / (s * s) + 1.4 / s + (order == 3 ? 0.6 * Math.Log(s) : 0);
        var expected = to * to * (states[^2] / _grid[^1].At.Level.Alpha / (from * from) + Primitive(from) - Primitive(to));
        Assert.Equal(expected * _grid.End.Alpha, states[^1], 1e-11);
    }

    [Fact]
    public void NoiseFunctionThatFallsTooSlowlyIsRefused()
    {
        var error = Assert.Throws<InvalidOperationException>(() => States(new ErSdeSampler(1, Math.Sqrt), new GaussianDenoiser(_schedule), _grid, 0.4));
        Assert.Contains("φ", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => States(new ErSdeSampler(1, _ => -1), new GaussianDenoiser(_schedule), _grid, 0.4));
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void NoiseFunctionsArePositive(double value)
    {
        var error = Assert.Throws<InvalidOperationException>(() => States(new ErSdeSampler(1, _ => value), new GaussianDenoiser(_schedule), _grid, 0.4));
        Assert.Contains($"is {value}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesPureNoise()
    {
        var schedule = new RectifiedFlowSchedule();
        Assert.Throws<ArgumentException>(() => States(new ErSdeSampler(), new GaussianDenoiser(schedule), TimeGrid.Uniform(schedule, 3), 0.4));
    }

    [Theory, InlineData(0), InlineData(4)]
    public void RejectsOrdersThatItDoesNotHave(int order) => Assert.Throws<ArgumentOutOfRangeException>(() => new ErSdeSampler(order));
}
