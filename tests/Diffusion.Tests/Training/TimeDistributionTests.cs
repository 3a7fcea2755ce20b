using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class TimeDistributionTests
{
    private const int Many = 100_000;
    private static readonly NoiseSchedule Flow = new RectifiedFlowSchedule();

    // χ² of 50 cells of equal probability has 49 degrees of freedom; its 0.1 % critical value is 85.35.
    private static void AssertShares(double[] quantiles)
    {
        var cells = new int[50];
        foreach (var q in quantiles) cells[Math.Min((int)(q * 50), 49)]++;
        var expected = quantiles.Length / 50.0;
        Assert.True(cells.Sum(n => (n - expected) * (n - expected) / expected) < 85.35);
    }

    private static double[] Draw(TimeDistribution times, int count = Many, NoiseSchedule? schedule = null)
    {
        using var noise = NoiseSource.FromSeed(7);
        return times.Draw(count, schedule ?? Flow, noise);
    }

    [Fact]
    public void UniformFillsItsInterval()
    {
        var times = Draw(TimeDistribution.Uniform(0.2, 0.7));
        Assert.All(times, t => Assert.InRange(t, 0.2, 0.7));
        AssertShares(Array.ConvertAll(times, t => (t - 0.2) / 0.5));
    }

    [Fact]
    public void UniformNeverDrawsAnEnd() =>
        Assert.All(new[] { 1e-300, 0.5, 1 - 1e-16 }, u => Assert.InRange(TimeDistribution.Uniform().TimeAt(u, Flow), double.Epsilon, 1 - 1e-17));

    [Fact]
    public void TimestepsAreExactlyThoseOfTheSchedule()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(20));
        var times = Draw(TimeDistribution.Timesteps(20), schedule: schedule);
        var counts = new int[20];
        foreach (var t in times)
        {
            var timestep = (int)Math.Round(t * 20) - 1;
            Assert.Equal(schedule.AtTimestep(timestep), schedule.At(t));
            counts[timestep]++;
        }

        Assert.True(counts.Sum(n => (n - Many / 20.0) * (n - Many / 20.0) / (Many / 20.0)) < 43.82); // 19 degrees of freedom, 0.1 %
    }

    [Fact]
    public void LogNormalIsNormalInLogSigma()
    {
        var times = Draw(TimeDistribution.LogNormal(-1.2, 1.2));
        AssertShares(Array.ConvertAll(times, t => NormalDistribution.Cumulative((Math.Log(Flow.At(t).NoiseToSignal) + 1.2) / 1.2)));
    }

    // The linear schedule of ten steps ends at σ/α = 0.32…: most of the mass lies beyond, and what is left keeps its shape.
    [Fact]
    public void LogNormalIsConditionedOnTheLevelsOfTheSchedule()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(10));
        var end = NormalDistribution.Cumulative(Math.Log(schedule.At(1).NoiseToSignal));
        var times = Draw(TimeDistribution.LogNormal(0, 1), 20_000, schedule);
        AssertShares(Array.ConvertAll(times, t => NormalDistribution.Cumulative(Math.Log(schedule.At(t).NoiseToSignal)) / end));
    }

    [Fact]
    public void LogitNormalHasItsMedianAndQuantiles()
    {
        var times = TimeDistribution.LogitNormal();
        Assert.Equal(0.5, times.TimeAt(0.5, Flow), 1e-15);
        Assert.Equal(1 / (1 + Math.Exp(-1)), times.TimeAt(0.8413447460685429, Flow), 1e-12); // P(t < sigmoid(1)) = Φ(1)
        AssertShares(Array.ConvertAll(Draw(times), t => NormalDistribution.Cumulative(Math.Log(t / (1 - t)))));
        var shifted = TimeDistribution.LogitNormal(1, 2);
        Assert.Equal(1 / (1 + Math.Exp(-1)), shifted.TimeAt(0.5, Flow), 1e-15);
        var density = 1e-6 / (TimeDistribution.LogitNormal().TimeAt(0.5 + 5e-7, Flow) - TimeDistribution.LogitNormal().TimeAt(0.5 - 5e-7, Flow));
        Assert.Equal(1.595769, density, 1e-6); // the density at ½
    }

    [Fact]
    public void StratifiedPutsOneSampleIntoEachShare()
    {
        var sorted = Draw(TimeDistribution.Uniform().Stratified(), 64).Order().ToArray();
        for (var i = 0; i < 64; i++) Assert.InRange(sorted[i] * 64, i, i + 1);
        Assert.NotEqual(sorted[1] - sorted[0], sorted[2] - sorted[1], 1e-6);
    }

    [Fact]
    public void AntitheticSpreadsTheBatchAtEqualDistances()
    {
        var drawn = Draw(TimeDistribution.Uniform().Antithetic(), 64);
        var sorted = drawn.Order().ToArray();
        for (var i = 1; i < 64; i++) Assert.Equal(1.0 / 64, sorted[i] - sorted[i - 1], 1e-14);
        Assert.NotEqual(sorted, drawn); // in random order
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SpreadBatchesKeepTheDistribution(bool antithetic)
    {
        var times = TimeDistribution.LogitNormal();
        var spread = antithetic ? times.Antithetic() : times.Stratified();
        using var noise = NoiseSource.FromSeed(3);
        var first = new List<double>(); // of one place in the batch: uniform over all shares, whatever place
        for (var i = 0; i < 20_000; i++) first.Add(spread.Draw(8, Flow, noise)[2]);
        AssertShares([.. first.Select(t => NormalDistribution.Cumulative(Math.Log(t / (1 - t))))]);
    }

    // Both spread draws put one time in each share, in an order that is no more the samples'.
    [Fact]
    public void SpreadTimesComeInEveryOrder()
    {
        foreach (var times in new[] { TimeDistribution.Uniform().Stratified(), TimeDistribution.Uniform().Antithetic() })
        {
            var rising = 0;
            for (var seed = 0; seed < 400; seed++)
            {
                using var noise = NoiseSource.FromSeed(seed);
                var drawn = times.Draw(2, Flow, noise);
                if (drawn[0] < drawn[1]) rising++;
            }

            Assert.InRange(rising, 200 - 40, 200 + 40); // four standard deviations
        }
    }

    [Fact]
    public void EveryDistributionNamesWhatIsWrong()
    {
        using var noise = NoiseSource.FromSeed(0);
        foreach (var times in new[] { TimeDistribution.Uniform(), TimeDistribution.Uniform().Stratified(), TimeDistribution.Uniform().WithImportance([1, 2]) })
        {
            Assert.Equal("count", Assert.Throws<ArgumentOutOfRangeException>(() => times.Draw(-1, Flow, noise)).ParamName);
            Assert.Equal("schedule", Assert.Throws<ArgumentNullException>(() => times.Draw(1, null!, noise)).ParamName);
            Assert.Empty(times.Draw(0, Flow, noise));
            foreach (var quantile in new[] { 0, 1, -0.1, 1.1, double.NaN })
                Assert.Equal("quantile", Assert.Throws<ArgumentOutOfRangeException>(() => times.TimeAt(quantile, Flow)).ParamName);
        }

        foreach (var share in new[] { double.NaN, double.PositiveInfinity })
            Assert.Contains($"{share}", Assert.Throws<ArgumentException>(() => TimeDistribution.Uniform().WithImportance([1, share])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RejectsBadNumbers()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform(-0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform(0.5, 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform(0, 1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Timesteps(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.LogNormal(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.LogitNormal(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform().TimeAt(0, Flow));
        var tiny = new DiscreteSchedule(BetaSchedule.Linear(1000));
        using var noise = NoiseSource.FromSeed(1);
        var error = Assert.Throws<InvalidOperationException>(() => TimeDistribution.LogNormal(1000, 1).Draw(1, tiny, noise));
        Assert.Contains("DiscreteSchedule", error.Message, StringComparison.Ordinal);
    }
}
