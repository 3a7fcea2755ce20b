using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

public class InterpolantTests
{
    private static readonly double[] _times = [0, 1e-9, 1e-4, 0.013, 0.2, 0.5, 0.77, 0.95, 0.9995, 1];

    [Fact]
    public void AShiftOfRectifiedFlowIsThePublishedOne()
    {
        var schedule = new ShiftedSchedule(new RectifiedFlowSchedule(), 3);
        foreach (var t in _times)
        {
            var level = schedule.At(t);
            var exact = 3 * t / (1 + 2 * t);
            Assert.Equal(exact, level.Sigma, 1e-12 * exact);
            Assert.Equal((1 - t) / (1 + 2 * t), level.Alpha, 1e-12);
            Assert.Equal(3 / Math.Pow(1 + 2 * t, 2), level.SigmaDot, 1e-9);
            Assert.Equal(-level.SigmaDot, level.AlphaDot, 12);
            Assert.Equal(2 * level.Sigma * level.SigmaDot, level.VarianceDot, 1e-9);
        }
    }

    [Fact]
    public void AShiftMultipliesTheNoiseToSignalRatioOnAnySchedule()
    {
        var inner = new CosineSchedule();
        var schedule = new ShiftedSchedule(inner, 2);
        foreach (var t in _times.Where(t => t is > 0 and < 1))
            Assert.Equal(2 * inner.At(t).NoiseToSignal, schedule.At(t).NoiseToSignal, 1e-12 * inner.At(t).NoiseToSignal);
        Assert.Equal(1, new ShiftedSchedule(inner, 1).At(0.3).Sigma / inner.At(0.3).Sigma, 13);
    }

    [Fact]
    public void OnlySchedulesFromDataToPureNoiseAreShifted()
    {
        Assert.Throws<ArgumentException>(() => new ShiftedSchedule(new VariancePreservingSchedule(), 3));
        Assert.Throws<ArgumentException>(() => new ShiftedSchedule(new KarrasSchedule(), 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShiftedSchedule(new RectifiedFlowSchedule(), 0));
    }

    [Fact]
    public void PublishedShiftsFollowFromTheSizeOfTheImage()
    {
        Assert.Equal(4, ShiftedSchedule.ForResolution(256 * 256, 1024 * 1024), 14);
        Assert.Equal(Math.Exp(0.5), ShiftedSchedule.ForTokens(256), 14);
        Assert.Equal(Math.Exp(0.63), ShiftedSchedule.ForTokens(1024), 14);
        Assert.Equal(Math.Exp(1.15), ShiftedSchedule.ForTokens(4096), 14);
    }

    [Fact]
    public void NumericalSlopesAreRightToNineDigits()
    {
        var exact = new CosineSchedule();
        var numerical = new InterpolantSchedule(t => exact.At(t).Alpha, t => exact.At(t).Sigma);
        foreach (var t in _times)
        {
            var (a, b) = (exact.At(t), numerical.At(t));
            Assert.Equal(a.AlphaDot, b.AlphaDot, 1e-8);
            Assert.Equal(a.VarianceDot, b.VarianceDot, 1e-8);
            if (t is > 1e-4) Assert.Equal(a.SigmaDot, b.SigmaDot, 1e-8 / a.Sigma);
        }
    }

    [Fact]
    public void EndsThatStartLikeARootHaveInfiniteSlopesAndFiniteVariance()
    {
        var schedule = new InterpolantSchedule(t => Math.Sqrt(1 - t), Math.Sqrt);
        Assert.Equal(double.PositiveInfinity, schedule.At(0).SigmaDot);
        Assert.Equal(1, schedule.At(0).VarianceDot, 9);
        Assert.Equal(double.NegativeInfinity, schedule.At(1).AlphaDot);
        Assert.Equal(-0.5, schedule.At(0).AlphaDot, 8);
        Assert.Equal(1, schedule.At(0).DiffusionSquared, 8);
        var line = new InterpolantSchedule(t => 1 - t, t => t);
        Assert.Equal(1, line.At(0).SigmaDot, 9);
        Assert.Equal(-1, line.At(1).AlphaDot, 9);
    }

    [Fact]
    public void TheInverseIsFoundToTheLastDigit()
    {
        var schedule = new InterpolantSchedule(t => 1 - t, t => t);
        foreach (var t in _times) Assert.Equal(t, schedule.TimeAtLogSnr(schedule.At(t).LogSnr), 1e-15);
    }

    [Fact]
    public void FunctionsThatAreNoPathAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1 - t, t => 0));
        Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => -1, t => t));
        Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1, t => t * (1.5 - t)));
        Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1 / t, t => t));
    }

    [Fact]
    public void TheTrigonometricScheduleIsExactAtItsEnds()
    {
        var schedule = new TrigonometricSchedule();
        Assert.Equal((1.0, 0.0), (schedule.At(0).Alpha, schedule.At(0).Sigma));
        Assert.Equal((0.0, 1.0), (schedule.At(1).Alpha, schedule.At(1).Sigma));
        Assert.Equal(Math.Sqrt(0.5), schedule.At(0.5).Alpha, 15);
        Assert.Equal(0.5, schedule.TimeAtLogSnr(0), 15);
        // Its v is its velocity but for the speed.
        var (v, u) = (Parameterization.V().At(schedule.At(0.3)), Parameterization.Velocity().At(schedule.At(0.3)));
        Assert.Equal(v.Skip, u.Skip, 14);
        Assert.Equal(v.Out, u.Out * Math.PI / 2, 14);
    }
}
