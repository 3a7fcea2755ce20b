using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>The times of flow models: each distribution against its density or distribution function, integrated by numbers.</summary>
public class FlowTimesTests
{
    private static readonly NoiseSchedule Flow = new RectifiedFlowSchedule();

    private static double Quantile(TimeDistribution times, double u) => times.TimeAt(u, Flow);

    // The quantile function of a density p has the slope 1/p: checked by central differences. And p has the integral 1.
    private static void AssertDensity(TimeDistribution times, Func<double, double> density)
    {
        Assert.Equal(1, Enumerable.Range(0, 20_000).Average(i => density((i + 0.5) / 20_000)), 1e-5);
        for (var u = 0.02; u < 1; u += 0.02)
        {
            var slope = (Quantile(times, u + 1e-5) - Quantile(times, u - 1e-5)) / 2e-5;
            Assert.Equal(1, slope * density(Quantile(times, u)), 1e-6);
        }
    }

    [Fact]
    public void CosMapHasItsDensity() => AssertDensity(TimeDistribution.CosMap(), t => 2 / (Math.PI * (1 - 2 * t + 2 * t * t)));

    [Fact]
    public void LogitNormalHasItsDensity() => AssertDensity(TimeDistribution.LogitNormal(-0.3, 0.8), t =>
        Math.Exp(-Math.Pow((Math.Log(t / (1 - t)) + 0.3) / 0.8, 2) / 2) / (0.8 * Math.Sqrt(2 * Math.PI) * t * (1 - t)));

    [Fact]
    public void SkewedIsLogNormalInTheNoiseToSignalRatio() => AssertDensity(TimeDistribution.Skewed(), t =>
    {
        var sigma = t / (1 - t);
        return Math.Exp(-Math.Pow((Math.Log(sigma) + 1.2) / 1.2, 2) / 2) / (1.2 * Math.Sqrt(2 * Math.PI) * sigma) / ((1 - t) * (1 - t));
    });

    // A uniform time after t′ = st/(1 + (s − 1)t) has the density s/(s − (s − 1)t′)².
    [Fact]
    public void AShiftOfUniformTimesHasItsDensity() =>
        AssertDensity(TimeDistribution.Uniform().Shifted(3), t => 3 / Math.Pow(3 - 2 * t, 2));

    [Fact]
    public void AShiftForAResolutionIsThePublishedTime()
    {
        var shift = ShiftedSchedule.ForResolution(256 * 256, 512 * 512);
        for (var t = 0.1; t < 1; t += 0.1) Assert.Equal(2 * t / (1 + t), Quantile(TimeDistribution.Uniform().Shifted(shift), t), 1e-12);
    }

    // Of mode the density has no closed form; the formula of the paper with u replaced by 1 − u, and the properties that define it.
    [Theory]
    [InlineData(1.29)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1.75)]
    public void ModeIsThePublishedMap(double scale)
    {
        var before = 0.0;
        for (var u = 0.005; u < 1; u += 0.005)
        {
            var (t, v) = (Quantile(TimeDistribution.Mode(scale), u), 1 - u);
            Assert.Equal(1 - v - scale * (Math.Pow(Math.Cos(Math.PI * v / 2), 2) - 1 + v), t, 1e-12);
            Assert.True(t > before);
            Assert.Equal(1 - t, Quantile(TimeDistribution.Mode(scale), 1 - u), 1e-12);
            before = t;
        }
    }

    [Fact]
    public void AmongDrawsEachTimeAsOften()
    {
        using var noise = NoiseSource.FromSeed(1);
        var times = TimeDistribution.Among(1, 0.5, 0.25).Draw(9000, Flow, noise);
        foreach (var time in new[] { 1, 0.5, 0.25 }) Assert.InRange(times.Count(t => t == time), 3000 - 180, 3000 + 180); // four standard deviations
        Assert.All(TimeDistribution.Among(1).Draw(10, Flow, noise), t => Assert.Equal(1, t));
    }

    // E[w·f(t)] is that of the unweighted times for any f; its exact value needs no sample, because quantiles are equidistant points of a uniform number.
    [Fact]
    public void ImportanceKeepsEveryExpectation()
    {
        var plain = TimeDistribution.LogitNormal();
        var important = plain.WithImportance([5, 1, 0, 3], 0.1);
        const int Points = 200_000;
        double Mean(Func<double, double> f) => Enumerable.Range(0, Points).Average(i => f(plain.TimeAt((i + 0.5) / Points, Flow)));
        double Weighted(Func<double, double> f) => Enumerable.Range(0, Points).Average(i => important.WeightAt((i + 0.5) / Points) * f(important.TimeAt((i + 0.5) / Points, Flow)));
        Assert.Equal(1, Weighted(_ => 1), 1e-4);
        Assert.Equal(Mean(t => t), Weighted(t => t), 1e-4);
        Assert.Equal(Mean(t => Math.Exp(3 * t)), Weighted(t => Math.Exp(3 * t)), 1e-3);
        // Shares are met: the first quarter of the quantiles gets 0.9·5/9 + 0.1/4.
        var share = Enumerable.Range(0, Points).Count(i => important.TimeAt((i + 0.5) / Points, Flow) < plain.TimeAt(0.25, Flow)) / (double)Points;
        Assert.Equal(0.525, share, 1e-4);
    }

    // With shares in proportion to the loss its estimate hardly varies, and spreading a batch over them keeps the weights.
    [Fact]
    public void ImportanceInProportionToTheLossRemovesItsVariance()
    {
        static double Loss(double t) => t < 0.5 ? 1 : 9;
        var times = TimeDistribution.Uniform().WithImportance([1, 9], 1e-9);
        foreach (var spread in new[] { times, times.Stratified(), times.Antithetic(), times.Shifted(1) })
        {
            using var noise = NoiseSource.FromSeed(5);
            Assert.Equal(5, spread.DrawWeighted(7, Flow, noise).Average(draw => draw.Weight * Loss(draw.Time)), 1e-6);
        }
    }

    // The objective itself: its loss with weighted times has the expectation of the plain one.
    [Fact]
    public void TheLossIsUnbiasedUnderImportance()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork(0, 0);
        var x0 = zeros(20_000, 1, ScalarType.Float64);
        double Loss(TimeDistribution times)
        {
            using var noise = NoiseSource.FromSeed(8);
            return new DenoisingObjective(Flow, Parameterization.Data()) { Times = times, Weighting = LossWeighting.Of(level => level.Time), Coupling = new Shifted() }.Loss(network, x0, null, noise).item<double>();
        }

        var plain = Loss(TimeDistribution.Uniform().Stratified());
        Assert.Equal(0.5, plain, 1e-4); // E[t]·1²
        Assert.Equal(plain, Loss(TimeDistribution.Uniform().WithImportance([1, 3, 2], 0.01).Stratified()), 1e-3);
    }

    [Fact]
    public void RefusesBadNumbers()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Mode(1.8));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform().Shifted(0));
        Assert.Throws<ArgumentException>(() => TimeDistribution.Among());
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Among(1.5));
        Assert.Throws<ArgumentException>(() => TimeDistribution.Uniform().WithImportance([]));
        Assert.Throws<ArgumentException>(() => TimeDistribution.Uniform().WithImportance([1, -1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Uniform().WithImportance([1], 0));
    }

    // x₀ = 1 everywhere, so that the loss of a network that answers 0 is its weight.
    private sealed class Shifted : Coupling
    {
        public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise) => new(batch + 1, zeros_like(batch), condition);
    }
}
