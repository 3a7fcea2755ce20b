using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

public class ScoreScheduleTests
{
    private static readonly double[] _times = [1e-5, 1e-3, 0.01, 0.1, 0.25, 0.4, 0.5, 0.75, 0.9, 1];

    private static double Beta(double t) => 0.1 + 19.9 * t;

    private static double Integral(double t) => 0.1 * t + 19.9 * t * t / 2;

    public static TheoryData<string> Processes => ["vp", "sub-vp", "ve"];

    // The published process, and the coefficients f and g² of its equation. (Song et al. 2021, eq. 30 to 33)
    private static (NoiseSchedule Schedule, Func<double, double> Drift, Func<double, double> DiffusionSquared, double Initial) Process(string name) => name switch
    {
        "vp" => (new VariancePreservingSchedule(), t => -Beta(t) / 2, Beta, 0),
        "sub-vp" => (new SubVariancePreservingSchedule(), t => -Beta(t) / 2, t => Beta(t) * (1 - Math.Exp(-2 * Integral(t))), 0),
        _ => (new VarianceExplodingSchedule(), _ => 0, t => 2 * Math.Log(5000) * Math.Pow(0.01 * Math.Pow(5000, t), 2), 1e-4),
    };

    [Theory, MemberData(nameof(Processes))]
    public void LevelsAreTheIntegralsOfThePublishedEquation(string name)
    {
        var (schedule, drift, diffusionSquared, initial) = Process(name);
        var integrated = new LinearSdeSchedule(drift, diffusionSquared, initial);
        foreach (var t in _times)
        {
            var (closed, level) = (schedule.At(t), integrated.At(t));
            Assert.Equal(closed.Alpha, level.Alpha, 1e-12 * closed.Alpha);
            Assert.Equal(closed.Sigma, level.Sigma, 1e-10 * closed.Sigma);
            Assert.Equal(closed.SigmaDot, level.SigmaDot, 1e-9 * closed.SigmaDot);
            // Drift and diffusion follow from α and σ, and are those of the equation.
            Assert.Equal(drift(t), closed.Drift, 1e-12 * Math.Abs(drift(t)));
            Assert.Equal(diffusionSquared(t), closed.DiffusionSquared, 1e-10 * diffusionSquared(t));
            Assert.Equal(diffusionSquared(t), level.DiffusionSquared, 1e-9 * diffusionSquared(t));
            Assert.Equal(t, integrated.TimeAtLogSnr(closed.LogSnr), 1e-9 * t);
        }
    }

    [Theory, InlineData("vp"), InlineData("sub-vp"), InlineData("ve"), InlineData("karras")]
    public void TimeIsTheInverseOfLogSnrAndSlopesAreSlopes(string name)
    {
        var schedule = name == "karras" ? new KarrasSchedule() : Process(name).Schedule;
        foreach (var t in _times)
        {
            var level = schedule.At(t);
            Assert.Equal(t, schedule.TimeAtLogSnr(level.LogSnr), 1e-10);
            var h = 1e-3 * Math.Min(t, 1 - t);
            if (h == 0) continue;
            var (before, after) = (schedule.At(t - h), schedule.At(t + h));
            Assert.Equal((after.Sigma - before.Sigma) / (2 * h), level.SigmaDot, 1e-5 * level.SigmaDot);
            Assert.Equal((after.Alpha - before.Alpha) / (2 * h), level.AlphaDot, 1e-5 * Math.Abs(level.AlphaDot) + 1e-8);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(-50));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(1.1));
    }

    [Fact]
    public void TheVariancePreservingProcessTakesThePublishedValues()
    {
        var schedule = new VariancePreservingSchedule();
        foreach (var (t, alpha, sigma) in new[] { (0.01, 0.9990029973, 0.0446431552), (0.1, 0.9467217988, 0.3220525355), (0.5, 0.2811828808, 0.9596542021), (1, 0.0065715865, 0.9999784069) })
        {
            Assert.Equal(alpha, schedule.At(t).Alpha, 1e-10);
            Assert.Equal(sigma, schedule.At(t).Sigma, 1e-10);
        }

        Assert.Equal(4.318575e-5, Math.Pow(schedule.At(1).Alpha, 2), 1e-11);
        Assert.Equal(152.1670, schedule.At(1).NoiseToSignal, 1e-4);
        Assert.Equal(1.00050e-3, schedule.At(1e-5).NoiseToSignal, 1e-8);
        Assert.Equal(0.01048599, schedule.At(1e-3).NoiseToSignal, 1e-8);
    }

    [Fact]
    public void TheSubVariancePreservingProcessTakesThePublishedValuesAndNeverMoreVarianceThanVp()
    {
        var schedule = new SubVariancePreservingSchedule();
        double[] sigmas = [0.0019930113, 0.1037178356, 0.9209361875, 0.9999568143];
        double[] diffusions = [0.00119063, 0.41105761, 9.98717658, 19.99999996];
        double[] times = [0.01, 0.1, 0.5, 1];
        for (var i = 0; i < times.Length; i++)
        {
            Assert.Equal(sigmas[i], schedule.At(times[i]).Sigma, 1e-10);
            Assert.Equal(diffusions[i], schedule.At(times[i]).DiffusionSquared, 1e-8);
        }

        foreach (var t in _times) Assert.True(schedule.At(t).Sigma < new VariancePreservingSchedule().At(t).Sigma);
    }

    [Fact]
    public void UniformTimesAreThePublishedLadders()
    {
        double[] karras = [80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.400935, 5.315195, 3.256822, 1.923340, 1.088171, .585348, .296442, .139516, .059947, .022935, .007528, .002];
        var grid = TimeGrid.Uniform(new KarrasSchedule(), 18);
        for (var i = 0; i < 18; i++) Assert.Equal(karras[i], grid[i].At.Level.Sigma, 1e-6);
        var ladder = TimeGrid.Uniform(new VarianceExplodingSchedule(0.01, 50), 232);
        for (var i = 1; i < 232; i++) Assert.Equal(1.037559, ladder[i - 1].At.Level.Sigma / ladder[i].At.Level.Sigma, 1e-6);
    }

    [Fact]
    public void VarianceExplodingAddsTheVarianceOfItsLevel()
    {
        // var(x_t) − var(x₀) = σ(t)²; the equation alone adds σ(t)² − σ(0)².
        var (schedule, withoutStart) = (new VarianceExplodingSchedule(), new LinearSdeSchedule(_ => 0, Process("ve").DiffusionSquared));
        foreach (var t in _times)
            Assert.Equal(Math.Pow(schedule.At(t).Sigma, 2) - 1e-4, Math.Pow(withoutStart.At(t).Sigma, 2), 1e-10 * Math.Pow(schedule.At(t).Sigma, 2));
    }

    [Fact]
    public void ARateThatStartsAtNothingHasAFiniteSlope()
    {
        var start = new VariancePreservingSchedule(0, 20).At(0);
        Assert.Equal(Math.Sqrt(10), start.SigmaDot, 12);
        Assert.Equal(0, start.VarianceDot);
    }

    [Fact]
    public void RefusesRangesThatAreNone()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new VarianceExplodingSchedule(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new VarianceExplodingSchedule(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KarrasSchedule(0.002, double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KarrasSchedule(rho: 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SubVariancePreservingSchedule(-1));
    }
}
