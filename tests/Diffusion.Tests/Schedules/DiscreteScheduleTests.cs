using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

public class DiscreteScheduleTests
{
    private static void HasLevels(double[] betas, params (int Timestep, double AlphaBar, double Digits)[] expected)
    {
        var schedule = new DiscreteSchedule(betas);
        foreach (var (timestep, alphaBar, digits) in expected) Assert.Equal(alphaBar, schedule.AlphaBar(timestep), digits * alphaBar);
    }

    [Fact]
    public void PublishedSchedulesHaveThePublishedLevels()
    {
        HasLevels(BetaSchedule.Linear(), (0, .9999, 1e-14), (499, .0785872429, 1e-9), (999, 4.0358297654e-5, 1e-10));
        HasLevels(BetaSchedule.ScaledLinear(), (0, .99915, 1e-14), (499, .2776696505, 1e-9), (999, .0046600985, 1e-8));
        HasLevels(BetaSchedule.Cosine(), (0, .9999587158, 1e-10), (499, .4938435904, 1e-9), (998, 2.4288e-6, 1e-4), (999, 2.4288e-9, 1e-4));
        HasLevels(BetaSchedule.RescaleToZeroTerminalSnr(BetaSchedule.ScaledLinear()), (0, .99915, 1e-14), (499, .24235917, 1e-7), (998, 1.9679e-7, 1e-4));
        Assert.Equal(0, new DiscreteSchedule(BetaSchedule.RescaleToZeroTerminalSnr(BetaSchedule.ScaledLinear())).AlphaBar(999));
        Assert.Equal(4.128422e-5, BetaSchedule.Cosine()[0], 1e-11);
        Assert.Equal(.749999, BetaSchedule.Cosine()[998], 1e-6);
        Assert.Equal(.999, BetaSchedule.Cosine()[999]);
        Assert.Equal(1, BetaSchedule.Cosine().Count(beta => beta == .999));
        Assert.All(BetaSchedule.Exponential(), beta => Assert.Equal(.0119282873, beta, 1e-9));
        var laplace = BetaSchedule.Laplace();
        foreach (var (timestep, beta) in new[] { (0, .0211537573), (1, .00874781), (499, .000250156), (500, .000250031), (998, .15162966), (999, .84725261) })
            Assert.Equal(beta, laplace[timestep], 1e-7); // recorded in float32
    }

    [Fact]
    public void PublishedSchedulesHaveThePublishedNoise()
    {
        static double Sigma(double[] betas, int timestep) => new DiscreteSchedule(betas).AtTimestep(timestep).NoiseToSignal;
        Assert.Equal(.01000050, Sigma(BetaSchedule.Linear(), 0), 1e-8);
        Assert.Equal(3.424137, Sigma(BetaSchedule.Linear(), 499), 1e-6);
        Assert.Equal(157.40728, Sigma(BetaSchedule.Linear(), 999), 1e-5);
        Assert.Equal(.02916716, Sigma(BetaSchedule.ScaledLinear(), 0), 1e-8);
        Assert.Equal(14.614641, Sigma(BetaSchedule.ScaledLinear(), 999), 1e-6);
        Assert.Equal(.00642541, Sigma(BetaSchedule.Cosine(), 0), 1e-8);
        Assert.Equal(641.66, Sigma(BetaSchedule.Cosine(), 998), 0.01);
        Assert.Equal(20291.2, Sigma(BetaSchedule.Cosine(), 999), 0.1);
        Assert.Equal(double.PositiveInfinity, Sigma(BetaSchedule.RescaleToZeroTerminalSnr(BetaSchedule.ScaledLinear()), 999));
        Assert.Equal(6.352818e-3, new DiscreteSchedule(BetaSchedule.Linear()).AtTimestep(999).Alpha, 1e-9);
        Assert.Equal(.068265, new DiscreteSchedule(BetaSchedule.ScaledLinear()).AtTimestep(999).Alpha, 1e-6);
    }

    [Fact]
    public void RespacingKeepsTheLevels()
    {
        var (full, subset) = (new DiscreteSchedule(BetaSchedule.Linear()), new[] { 3, 100, 101, 500, 999 });
        var respaced = DiscreteSchedule.FromAlphaBars(Array.ConvertAll(subset, full.AlphaBar));
        for (var i = 0; i < subset.Length; i++) Assert.Equal(full.AlphaBar(subset[i]), respaced.AlphaBar(i), 1e-15);
        var levels = DiscreteSchedule.FromNoiseToSignal(Array.ConvertAll(subset, t => full.AtTimestep(t).NoiseToSignal));
        for (var i = 0; i < subset.Length; i++) Assert.Equal(full.AlphaBar(subset[i]), levels.AlphaBar(i), 1e-14);
    }

    [Fact]
    public void TimestepsAreFoundAgain()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.ScaledLinear());
        foreach (var t in new[] { 0, 0.25, 17, 500.75, 999 }) Assert.Equal(t, schedule.TimestepAt(schedule.AtTimestep(t).NoiseToSignal), 1e-9);
        Assert.Equal(500, schedule.NearestTimestep(schedule.AtTimestep(500.49).NoiseToSignal));
        Assert.Equal(501, schedule.NearestTimestep(schedule.AtTimestep(500.51).NoiseToSignal));
        Assert.Equal(0, schedule.NearestTimestep(1e-9));
        Assert.Equal(999, schedule.NearestTimestep(1e9));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.NearestTimestep(0));
    }

    [Fact]
    public void IntegerTimestepsAreExactWhateverIsLinearBetween()
    {
        foreach (var interpolation in Enum.GetValues<LevelInterpolation>())
        {
            var schedule = new DiscreteSchedule(BetaSchedule.Linear(), interpolation);
            for (var t = 0; t < 1000; t++) Assert.Equal(Math.Sqrt(schedule.AlphaBar(t)), schedule.AtTimestep(t).Alpha, 1e-15);
        }

        var (logs, ratios) = (new DiscreteSchedule(BetaSchedule.Linear()), new DiscreteSchedule(BetaSchedule.Linear(), LevelInterpolation.NoiseToSignal));
        var (below, above) = (logs.AtTimestep(10), logs.AtTimestep(11));
        Assert.Equal((below.LogSnr + above.LogSnr) / 2, logs.AtTimestep(10.5).LogSnr, 12);
        Assert.Equal((below.NoiseToSignal + above.NoiseToSignal) / 2, ratios.AtTimestep(10.5).NoiseToSignal, 14);
    }
}
