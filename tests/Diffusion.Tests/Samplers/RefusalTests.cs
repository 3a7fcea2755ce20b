using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>What cannot be sampled is refused in words that say what was given, before anything native sees it.</summary>
public class RefusalTests
{
    private static readonly VariancePreservingSchedule Schedule = new();
    private static readonly GaussianDenoiser Denoiser = new(Schedule, 0.3, 0.6);

    private static string Refused(Sampler sampler, TimeGrid grid)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        return Assert.Throws<ArgumentException>(() => sampler.Sample(Denoiser, ones(1, 2, float64), grid, noise)).Message;
    }

    private static TimeGrid Of(NoisePoint from, NoiseLevel to) => new(Schedule, new GridStep(from, to));

    [Fact]
    public void StepsInTimeNeedALevelOfTheSchedule()
    {
        foreach (var sampler in new Sampler[] { new EulerMaruyamaSampler(), new StochasticHeunSampler() })
        {
            Assert.Contains("has none", Refused(sampler, Of(NoiseLevel.Of(0.6, 0.8), Schedule.At(0.1))), StringComparison.Ordinal);
            Assert.Contains("α = 0.6", Refused(sampler, Of(new NoiseLevel(0.7, 0.6, 0.8, -1, double.NaN), Schedule.At(0.1))), StringComparison.Ordinal);
            Assert.Contains("Start below t = 1", Refused(sampler, Of(new NoiseLevel(0.7, 0.6, 0.8, double.NegativeInfinity, 1) { VarianceDot = 1 }, Schedule.At(0.1))), StringComparison.Ordinal);
            Assert.Contains("from t = 0.1 to t = 0.2", Refused(sampler, Of(Schedule.At(0.1), Schedule.At(0.2))), StringComparison.Ordinal);
        }

        Assert.Contains("needs levels with a time", Refused(new TcdSampler(), Of(Schedule.At(0.6), NoiseLevel.Of(0.9, 0.4))), StringComparison.Ordinal);
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        foreach (var sampler in new Sampler[] { new EulerMaruyamaSampler(), new StochasticHeunSampler(), new EulerAncestralSampler() }) // a step that stays is taken
            Assert.Equal([1, 2], sampler.Sample(Denoiser, ones(1, 2, float64), Of(Schedule.At(0.2), Schedule.At(0.2)), noise).shape);
        foreach (var sampler in new Sampler[] { new EulerMaruyamaSampler(0), new StochasticHeunSampler(0) }) // and the flow runs either way
            Assert.True(sampler.Sample(Denoiser, ones(1, 2, float64), Of(Schedule.At(0.1), Schedule.At(0.2)), noise).isfinite().all().item<bool>());
    }

    [Fact]
    public void StepsInLogSnrRunFromNoiseToData()
    {
        foreach (var sampler in new Sampler[] { new DpmFastSampler(3), new DpmAdaptiveSampler() })
            foreach (var to in new[] { 0.2, 0.3 })
                Assert.Contains($"{Schedule.At(to).LogSnr:g6}", Refused(sampler, Of(Schedule.At(0.2), Schedule.At(to))), StringComparison.Ordinal);
        Assert.Contains("less noise at its end", Refused(new EulerAncestralSampler(), Of(Schedule.At(0.2), Schedule.At(0.3))), StringComparison.Ordinal);
    }

    [Fact]
    public void InpaintingNeedsAnImageAndJoinedSteps()
    {
        using var scope = NewDisposeScope();
        var known = ones(1, 2, ScalarType.Bool);
        Assert.Contains("Int64 of shape [1, 2]", Assert.Throws<ArgumentException>(() => new ReplacementSampler(new DdimSampler(), ones(1, 2, ScalarType.Int64), known)).Message, StringComparison.Ordinal);
        Assert.Contains("shape [2]", Assert.Throws<ArgumentException>(() => new ReplacementSampler(new DdimSampler(), ones(2), ones(2, ScalarType.Bool))).Message, StringComparison.Ordinal);
        Assert.Equal("inner", Assert.Throws<ArgumentNullException>(() => new ReplacementSampler(null!, ones(1, 2), known)).ParamName);
        Assert.Equal("inner", Assert.Throws<ArgumentNullException>(() => new RePaintSampler(null!, ones(1, 2), known)).ParamName);
        using var noise = NoiseSource.FromSeed(0);
        var pair = new ReplacementSampler(new DdimSampler(), ones(2, 2, float64), known);
        Assert.Contains("[3, 2]", Assert.Throws<ArgumentException>(() => pair.Sample(Denoiser, ones(3, 2, float64), TimeGrid.Uniform(Schedule, 2), noise)).Message, StringComparison.Ordinal);
        var one = new ReplacementSampler(new DdimSampler(), full(1, 2, 0.7, float64), known); // one image for all samples
        Assert.True(one.Sample(Denoiser, ones(3, 2, float64), TimeGrid.Uniform(Schedule, 2, from: 0.9), noise).eq(0.7).all().item<bool>());
        var apart = new TimeGrid(Schedule, new GridStep(Schedule.At(0.9), Schedule.At(0.6)), new GridStep(Schedule.At(0.5), Schedule.At(0.1)));
        Assert.Contains("Step 1 of the grid", Assert.Throws<ArgumentException>(() => new RePaintSampler(new DdimSampler(), ones(1, 2), known).Expand(apart)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LaddersRefuseWhatIsNoData()
    {
        using var scope = NewDisposeScope();
        foreach (var (data, shape) in new[] { (ones(3), "[3]"), (ones(1, 3), "[1, 3]"), (ones(3, 0), "[3, 0]"), (ones(3, 2, ScalarType.ComplexFloat64), "[3, 2]") })
            Assert.Contains(shape, Assert.Throws<ArgumentException>(() => NcsnLadder.LargestDistance(data)).Message, StringComparison.Ordinal);
        Assert.Equal(5, NcsnLadder.LargestDistance(tensor(new[,] { { 0.0, 0 }, { 3, 4 } })), 1e-12);
        foreach (var size in new[] { 0, -0.1, 0.5, 0.6, double.NaN }) // stable below 2σ² = 0.5
            Assert.Equal("stepSize", Assert.Throws<ArgumentOutOfRangeException>(() => NcsnLadder.VarianceRatio(size, 5, 1.5, 0.5)).ParamName);
        Assert.True(NcsnLadder.VarianceRatio(0.499, 5, 1.5, 0.5) > 0);
        Assert.Equal("overlap", Assert.Throws<ArgumentOutOfRangeException>(() => NcsnLadder.Ratio(4)).ParamName); // in so few dimensions noises always overlap
        Assert.Equal("largest", Assert.Throws<ArgumentOutOfRangeException>(() => NcsnLadder.Levels(1, 0, 2)).ParamName);
    }
}
