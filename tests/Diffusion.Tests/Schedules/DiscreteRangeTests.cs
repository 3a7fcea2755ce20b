using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

/// <summary>Edges of discrete schedules: rates of 1, single steps, labels beyond the trained timesteps.</summary>
public class DiscreteRangeTests
{
    [Fact]
    public void OnlyRatesOfNoiseAreTaken()
    {
        foreach (var bad in new double[][] { [0], [-0.1], [1.1], [double.NaN], [1, 0.5], [0.2, 0], [0.2, 1.5] })
            Assert.Contains($"{bad.First(beta => !(beta is > 0 and < 1))}", Assert.Throws<ArgumentException>(() => new DiscreteSchedule(bad)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new DiscreteSchedule([]));
        Assert.Equal(0, new DiscreteSchedule([0.5, 1]).At(1).Alpha);
        Assert.Equal(0, new DiscreteSchedule([1]).At(1).Alpha);
    }

    // With no signal at the last timestep ᾱ is linear on the last stretch, there and back.
    [Theory]
    [InlineData(LevelInterpolation.LogSnr)]
    [InlineData(LevelInterpolation.NoiseToSignal)]
    public void TheStretchToPureNoiseIsInvertedToo(LevelInterpolation interpolation)
    {
        var schedule = new DiscreteSchedule([0.1, 0.3, 0.4, 1], interpolation);
        var last = 0.9 * 0.7 * 0.6;
        foreach (var part in new[] { 0, 0.1, 0.5, 0.9, 0.999 })
        {
            var level = schedule.At(0.75 + 0.25 * part);
            Assert.Equal(last * (1 - part), level.Alpha * level.Alpha, 1e-14);
            Assert.Equal(1, level.Alpha * level.Alpha + level.Sigma * level.Sigma, 1e-14);
            Assert.Equal(0.75 + 0.25 * part, schedule.TimeAtLogSnr(level.LogSnr), 1e-12);
            if (part > 0) Assert.Equal(4 * last, level.VarianceDot, 1e-12);
        }

        var end = schedule.At(1);
        Assert.Equal((0, 1, double.NegativeInfinity), (end.Alpha, end.Sigma, end.AlphaDot));
        Assert.Equal(1, schedule.TimeAtLogSnr(double.NegativeInfinity));
    }

    [Fact]
    public void TimestepsOutsideOfTheScheduleAreRefused()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(10));
        foreach (var bad in new[] { -1, 10 })
        {
            Assert.Equal("timestep", Assert.Throws<ArgumentOutOfRangeException>(() => schedule.AlphaBar(bad)).ParamName);
            Assert.Equal("timestep", Assert.Throws<ArgumentOutOfRangeException>(() => schedule.AtTimestep(bad)).ParamName);
        }

        Assert.Equal("steps", Assert.Throws<ArgumentOutOfRangeException>(() => schedule.Grid(11)).ParamName);
        Assert.Equal("steps", Assert.Throws<ArgumentOutOfRangeException>(() => schedule.Grid(0)).ParamName);
        Assert.Equal(10, schedule.Grid(10).Count);
        Assert.Equal("offset", Assert.Throws<ArgumentOutOfRangeException>(() => schedule.Grid(5, TimestepSpacing.Trailing, 1)).ParamName);
    }

    [Theory]
    [InlineData(TimestepSpacing.Leading, 1, 0)]
    [InlineData(TimestepSpacing.Trailing, 1, 9)]
    [InlineData(TimestepSpacing.Linspace, 1, 0)]
    [InlineData(TimestepSpacing.Linspace, 2, 9, 0)]
    [InlineData(TimestepSpacing.Linspace, 4, 9, 6, 3, 0)]
    [InlineData(TimestepSpacing.Leading, 4, 6, 4, 2, 0)]
    [InlineData(TimestepSpacing.Trailing, 4, 9, 7, 4, 1)]
    public void SpacingsVisitTheirTimesteps(TimestepSpacing spacing, int steps, params int[] timesteps)
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(10));
        Assert.Equal(timesteps.Select(t => schedule.AtTimestep(t)), schedule.Grid(steps, spacing).Select(step => step.At.Level));
    }

    // The nearest in log-SNR; of two equally near ones the less noisy.
    [Fact]
    public void TheNearestTimestepIsThatOfTheNearestLogSnr()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(12, 0.01, 0.4));
        for (var i = 0; i < 400; i++)
        {
            var sigma = Math.Exp(-3 + 6 * i / 400.0);
            var nearest = Enumerable.Range(0, 12).MinBy(t => Math.Abs(schedule.AtTimestep(t).LogSnr + 2 * Math.Log(sigma)));
            Assert.Equal(nearest, schedule.NearestTimestep(sigma));
            Assert.Equal(nearest, schedule.TimestepLabel(nearest: true).At(NoiseLevel.Of(1, sigma)));
        }

        Assert.Equal("nearest trained timestep", schedule.TimestepLabel(nearest: true).Name);
    }

    [Fact]
    public void TheTrainedLabelStopsAtTheTrainedTimesteps()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(12, 0.01, 0.4));
        var label = schedule.TimestepLabel();
        Assert.Equal("trained timestep", label.Name);
        for (var t = 0; t < 12; t++) Assert.Equal(t, label.At(schedule.AtTimestep(t)), 1e-9);
        Assert.Equal(0, label.At(schedule.At(0.01)));
        Assert.Equal(0, label.At(NoiseLevel.Of(1, 1e-6)));
        Assert.Equal(11, label.At(NoiseLevel.Of(1, 100)));
        Assert.Equal(11, label.At(NoiseLevel.Of(0, 1)));
        Assert.Equal(schedule.TimestepAt(0.7), label.At(NoiseLevel.Of(1, 0.7)));
        Assert.InRange(label.At(schedule.At(5.5 / 12)), 4.4, 4.6);
    }

    [Fact]
    public void OneRateIsTheFirst()
    {
        Assert.Equal([1e-4], BetaSchedule.Linear(1));
        Assert.Equal([0.00085], BetaSchedule.ScaledLinear(1).Select(beta => Math.Round(beta, 15)));
        Assert.Equal(1e-4 + (0.02 - 1e-4) / (1 + Math.Exp(6)), Assert.Single(BetaSchedule.Sigmoid(1)), 1e-17);
        Assert.Equal("betas", Assert.Throws<ArgumentException>(() => BetaSchedule.RescaleToZeroTerminalSnr([0.1])).ParamName);
        Assert.Equal([1], [BetaSchedule.RescaleToZeroTerminalSnr([0.1, 0.2])[^1]]);
    }
}
