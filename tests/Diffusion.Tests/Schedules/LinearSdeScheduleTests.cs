using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

public class LinearSdeScheduleTests
{
    [Fact]
    public void AnOrnsteinUhlenbeckProcessOfYourOwnHasItsClosedForm()
    {
        // dx = −θx dt + s dw: α = e^{−θt}, σ² = s²(1 − e^{−2θt})/2θ.
        var schedule = new LinearSdeSchedule(_ => -3, _ => 0.7);
        foreach (var t in new[] { 1e-6, 0.01, 0.3, 0.7, 1 })
        {
            var variance = 0.7 * -Exponentials.Expm1(-6 * t) / 6;
            Assert.Equal(Math.Exp(-3 * t), schedule.At(t).Alpha, 1e-14);
            Assert.Equal(variance, Math.Pow(schedule.At(t).Sigma, 2), 1e-12 * variance);
            Assert.Equal(t, schedule.TimeAtLogSnr(schedule.At(t).LogSnr), 1e-11 * t);
        }

        Assert.True(schedule.At(0).IsClean);
        Assert.Equal(0.7, schedule.At(0).VarianceDot);
        Assert.Equal(0, schedule.TimeAtLogSnr(double.PositiveInfinity));
    }

    [Fact]
    public void JumpsAndPausesOfTheCoefficientsAreIntegratedToo()
    {
        // g² = 4 up to t = 0.3, nothing up to 0.6, then 1; f = 0.
        var schedule = new LinearSdeSchedule(_ => 0, t => t < 0.3 ? 4 : t < 0.6 ? 0 : 1);
        foreach (var (t, variance) in new[] { (0.1, 0.4), (0.3, 1.2), (0.45, 1.2), (0.6, 1.2), (0.8, 1.4), (1, 1.6) })
            Assert.Equal(variance, Math.Pow(schedule.At(t).Sigma, 2), 1e-9);
        Assert.Equal(0.9, schedule.TimeAtLogSnr(-Math.Log(1.5)), 1e-9);
        Assert.InRange(schedule.TimeAtLogSnr(-Math.Log(1.2)), 0.3 - 1e-9, 0.6 + 1e-9); // all of the pause has this ratio
    }

    [Fact]
    public void RefusesWhatHasNoSchedule()
    {
        var pole = Assert.Throws<ArgumentException>(() => new LinearSdeSchedule(t => -1 / (1 - t), t => 2 * t / (1 - t)));
        Assert.Contains("α reaches 0", pole.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new LinearSdeSchedule(_ => double.NaN, _ => 1));
        Assert.Throws<ArgumentException>(() => new LinearSdeSchedule(_ => 0, _ => -1));
        Assert.Throws<ArgumentException>(() => new LinearSdeSchedule(_ => 0, _ => 0));
        Assert.Throws<ArgumentException>(() => new LinearSdeSchedule(_ => -1e6, _ => 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinearSdeSchedule(_ => 0, _ => 1, -1));
        var schedule = new LinearSdeSchedule(_ => 0, _ => 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(-1));
    }
}
