using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class FlowSdeSamplerTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    // h²(t) of SiT (Ma et al. 2024, table of diffusion coefficients, w_t doubled), t = 0 at the data.
    [Theory]
    [InlineData(0.3)]
    [InlineData(0.8)]
    public void DiffusionsAreThePublishedFunctions(double time)
    {
        var level = Schedule.At(time);
        Assert.Equal(1.4, FlowDiffusion.Constant(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(1.4 * level.Sigma, FlowDiffusion.Sigma(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(1.4 * time, FlowDiffusion.Linear(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(0.5 * Math.Pow(1 - 0.7 * Math.Cos(Math.PI * time), 2), FlowDiffusion.Decreasing(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(1.4 * Math.Pow(Math.Sin(Math.PI * time), 2), FlowDiffusion.IncreasingDecreasing(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(0.49 * level.DiffusionSquared, FlowDiffusion.Reverse(0.7).SquaredAt(level), 1e-14);
        Assert.Equal(3 * time, FlowDiffusion.Of(at => 3 * at.Time).SquaredAt(level));
        Assert.Equal(2 * level.Sigma, new FlowSdeSampler().Diffusion.SquaredAt(level));
    }

    // x − Δt·(α'·x̂₀ + (σ' + h²/2σ)·ε̂) + h·√Δt·noise.
    [Theory]
    [InlineData(0)]
    [InlineData(1.3)]
    public void AStepIsEulerMaruyamasOfTheEquation(double squared)
    {
        using var scope = NewDisposeScope();
        var denoiser = new ScriptedDenoiser(Schedule, _ => 0.4);
        var grid = TimeGrid.FromTimes(Schedule, [0.6], Schedule.At(0.45));
        var level = Schedule.At(0.6);
        using var noise = NoiseSource.FromSeed(2);
        using var same = NoiseSource.FromSeed(2);
        var eps = (1.1 - level.Alpha * 0.4) / level.Sigma;
        var expected = 1.1 - 0.15 * (level.AlphaDot * 0.4 + (level.SigmaDot + squared / (2 * level.Sigma)) * eps);
        if (squared > 0) expected += Math.Sqrt(squared * 0.15) * same.Next([1], ScalarType.Float64, CPU).item<double>();
        var states = ScriptedDenoiser.States(new FlowSdeSampler(FlowDiffusion.Of(_ => squared)), denoiser, grid, 1.1, noise);
        Assert.Equal(expected, states[^1], 1e-12);
    }

    [Fact]
    public void TheLastStepGoesToTheEstimateOrToTheMean()
    {
        var denoiser = new ScriptedDenoiser(Schedule, _ => 0.4);
        var grid = TimeGrid.FromTimes(Schedule, [0.2], Schedule.At(0));
        var level = Schedule.At(0.2);
        Assert.Equal(0.4, ScriptedDenoiser.States(new FlowSdeSampler(FlowDiffusion.Constant()), denoiser, grid, 1.1)[^1], 1e-14);
        var mean = 1.1 - 0.2 * (level.AlphaDot * 0.4 + (level.SigmaDot + 1 / level.Sigma) * (1.1 - level.Alpha * 0.4) / level.Sigma);
        Assert.Equal(mean, ScriptedDenoiser.States(new FlowSdeSampler(FlowDiffusion.Constant(), endsAtMean: true), denoiser, grid, 1.1)[^1], 1e-12);
    }

    [Fact]
    public void WhatHasNoCoefficientsIsRefusedInWords()
    {
        var denoiser = new GaussianDenoiser(Schedule);
        var down = TimeGrid.FromTimes(Schedule, [0.6], Schedule.At(0.45));
        string Refused(FlowDiffusion diffusion, TimeGrid grid) => Assert.Throws<ArgumentException>(() => ScriptedDenoiser.States(new FlowSdeSampler(diffusion), denoiser, grid, 1)).Message;
        foreach (var squared in new[] { -0.1, double.NaN, double.PositiveInfinity })
            Assert.Contains($"h² = {squared:g6}", Refused(FlowDiffusion.Of(_ => squared), down), StringComparison.Ordinal);
        foreach (var (alphaDot, sigmaDot) in new[] { (double.NegativeInfinity, 1.0), (-1, double.PositiveInfinity), (double.NaN, 1) })
            Assert.Contains("no coefficients", Refused(FlowDiffusion.Constant(), TimeGrid.FromPoints(Schedule, [new NoiseLevel(0.6, 0.8, 0.6, alphaDot, sigmaDot)], Schedule.At(0.45))), StringComparison.Ordinal);
        Assert.Contains("no coefficients", Refused(FlowDiffusion.Constant(), TimeGrid.FromPoints(Schedule, [Schedule.At(0.6)], NoiseLevel.Of(0.9, 0.3))), StringComparison.Ordinal); // a level without time
        var up = TimeGrid.FromTimes(Schedule, [0.45], Schedule.At(0.6));
        Assert.Contains("from t = 0.45 to t = 0.6", Refused(FlowDiffusion.Constant(0.3), up), StringComparison.Ordinal);
        Assert.Equal(2, ScriptedDenoiser.States(new FlowSdeSampler(FlowDiffusion.Constant(0)), denoiser, up, 1).Length); // the flow runs either way
        Assert.Equal(2, ScriptedDenoiser.States(new FlowSdeSampler(FlowDiffusion.Constant()), denoiser, TimeGrid.FromTimes(Schedule, [0.6], Schedule.At(0.6)), 1).Length); // a step that stays
    }
}
