using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

public class TimeGridTests
{
    private static readonly NoiseSchedule _anyNoise = new VarianceExplodingForm(new RectifiedFlowSchedule()); // σ/α from 0 to whatever is asked

    private static double[] Sigmas(TimeGrid grid) => [.. grid.Select(step => step.At.Level.NoiseToSignal)];

    private static void Equal(double[] expected, double[] actual, double relative = 1e-13)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], relative * Math.Abs(expected[i]));
    }

    [Fact]
    public void TheKarrasRampIsThePublishedOne()
    {
        double[] expected = [80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.400935, 5.315195, 3.256822, 1.923340, 1.088171, .585348, .296442, .139516, .059947, .022935, .007528, .002];
        var grid = TimeGrid.Karras(_anyNoise, 18, sigmaMin: 0.002, sigmaMax: 80);
        for (var i = 0; i < 18; i++) Assert.Equal(expected[i], Sigmas(grid)[i], 1e-6);
        Assert.True(grid.End.IsClean);
        double[] diffusion = [14.61464, 9.10293, 5.47839, 3.16860, 1.74942, .91407, .44692, .20140, .08191, .02917];
        var discrete = new DiscreteSchedule(BetaSchedule.ScaledLinear());
        var ten = TimeGrid.Karras(discrete, 10, sigmaMin: discrete.AtTimestep(0).NoiseToSignal);
        for (var i = 0; i < 10; i++) Assert.Equal(diffusion[i], Sigmas(ten)[i], 1e-5);
    }

    [Fact]
    public void ExponentialRampsAreGeometric()
    {
        Equal([16, 8, 4, 2, 1], Sigmas(TimeGrid.Exponential(_anyNoise, 5, 1, 16)));
        Equal([16, Math.Pow(2, 2.25), 2, Math.Pow(2, 0.25), 1], Sigmas(TimeGrid.PolyExponential(_anyNoise, 5, 2, 1, 16)));
        Equal([10], Sigmas(TimeGrid.PolyExponential(_anyNoise, 1, 2, 1, 10)));
        var schedule = new VariancePreservingSchedule();
        Equal(Sigmas(TimeGrid.LogSnr(schedule, 7, to: 0.01)), Sigmas(TimeGrid.Exponential(schedule, 7, schedule.At(0.01).NoiseToSignal)), 1e-11);
    }

    [Fact]
    public void TheLadderOfOneProcessCanBeWalkedWithAnother()
    {
        // σ = √(e^B − 1) of the variance-preserving process at equal times, on EDM's levels.
        var grid = TimeGrid.Uniform(new VariancePreservingSchedule(), 4, to: 1e-3).On(_anyNoise);
        double Sigma(double t) => Math.Sqrt(Math.Exp(0.1 * t + 9.95 * t * t) - 1);
        Equal([Sigma(1), Sigma(1 - 0.333), Sigma(1 - 0.666), Sigma(1e-3)], Sigmas(grid), 1e-11);
        Assert.Equal(1, grid[1].At.Level.Alpha);
        Assert.True(grid.End.IsClean);
    }

    [Fact]
    public void UniformTimesEndOneStepBeforeCleanData()
    {
        Assert.Equal([1, 0.75, 0.5, 0.25], TimeGrid.Uniform(new RectifiedFlowSchedule(), 4).Select(step => step.At.Level.Time));
        Assert.Equal([1, 0.75, 0.5, 0.25, 0], TimeGrid.Uniform(new KarrasSchedule(), 5).Select(step => step.At.Level.Time));
        Assert.Equal([0.8], TimeGrid.Uniform(new RectifiedFlowSchedule(), 1, from: 0.8).Select(step => step.At.Level.Time));
        Assert.Equal([0.9, 0.5, 0.1], TimeGrid.Uniform(new RectifiedFlowSchedule(), 3, from: 0.9, to: 0.1).Select(step => Math.Round(step.At.Level.Time, 14)));
    }

    [Fact]
    public void ShiftedTimesAreUniformTimesOfTheShiftedSchedule()
    {
        var flow = new RectifiedFlowSchedule();
        var grid = TimeGrid.Shifted(flow, 28, 3);
        for (var i = 0; i < 28; i++)
        {
            var t = 1 - i / 28.0;
            Assert.Equal(3 * t / (1 + 2 * t), grid[i].At.Level.Time, 1e-14);
        }

        Equal(Sigmas(TimeGrid.Uniform(new ShiftedSchedule(flow, 3), 28))[1..], Sigmas(grid)[1..]);
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeGrid.Shifted(new VariancePreservingSchedule(), 5, 3));
    }

    [Fact]
    public void BetaTimesAreQuantiles()
    {
        var flow = new RectifiedFlowSchedule();
        var times = TimeGrid.Beta(flow, 9).Select(step => step.At.Level.Time).ToArray();
        Assert.Equal((1.0, 1e-3), (times[0], times[^1]));
        for (var i = 0; i < 9; i++) Assert.Equal(1.001, times[i] + times[8 - i], 1e-12); // symmetrical
        Assert.True(times[0] - times[1] < times[3] - times[4]); // dense at the ends
        Equal([.. TimeGrid.Uniform(flow, 6, to: 1e-3).Select(step => step.At.Level.Time)], [.. TimeGrid.Beta(flow, 6, 1, 1).Select(step => step.At.Level.Time)], 1e-12);
    }

    [Fact]
    public void LevelsCanBeGivenAndTheEndChosen()
    {
        var grid = TimeGrid.FromNoiseToSignal(_anyNoise, [5, 2, 0.5], final: 0.1);
        Equal([5, 2, 0.5], Sigmas(grid));
        Assert.Equal(0.1, grid.End.Sigma, 14);
        Assert.True(TimeGrid.FromNoiseToSignal(_anyNoise, [5]).End.IsClean);
        var level = _anyNoise.AtNoiseToSignal(0.02);
        Assert.Equal(level, TimeGrid.Karras(_anyNoise, 3, sigmaMin: 0.02, sigmaMax: 1).EndingAt(level).End);
    }

    [Fact]
    public void AGridCanStartLaterAndRunUpwards()
    {
        var grid = TimeGrid.FromNoiseToSignal(_anyNoise, [8, 4, 2, 1]);
        Equal([2, 1], Sigmas(grid.Skip(2)));
        var up = grid.Reversed();
        Equal([1, 2, 4], Sigmas(up));
        Equal([2, 4, 8], [.. up.Select(step => step.To.Sigma)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.Skip(4));
        Assert.Throws<InvalidOperationException>(() => grid.Skip(3).Reversed());
    }

    [Fact]
    public void WhatNoGridCanBeIsRefused()
    {
        Assert.Throws<ArgumentException>(() => TimeGrid.Karras(new RectifiedFlowSchedule(), 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeGrid.Karras(_anyNoise, 5, rho: 0, sigmaMin: 1, sigmaMax: 2));
        Assert.Throws<ArgumentException>(() => TimeGrid.LogSnr(new RectifiedFlowSchedule(), 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeGrid.Uniform(new RectifiedFlowSchedule(), 0));
        Assert.Throws<ArgumentException>(() => TimeGrid.FromTimes(new RectifiedFlowSchedule(), [0.5, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeGrid.FromNoiseToSignal(new VariancePreservingSchedule(), [500]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeGrid.Beta(new RectifiedFlowSchedule(), 5, alpha: 0));
    }
}
