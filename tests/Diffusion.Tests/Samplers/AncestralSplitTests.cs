using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class AncestralSplitTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    // Of the variance σ'² at the end, η²(1 − (σ̂'/σ̂)²) is drawn afresh and the rest kept; the two always make σ'².
    [Theory, InlineData(0), InlineData(0.6), InlineData(1), InlineData(1.2)]
    public void FreshAndKeptMakeTheVarianceOfTheLevel(double eta)
    {
        var (from, to) = (Schedule.At(0.5), Schedule.At(0.45));
        var (down, deviation) = AncestralSplit.Of(from, to, eta);
        Assert.Equal(eta * eta * to.Sigma * to.Sigma * (1 - Math.Pow(to.NoiseToSignal / from.NoiseToSignal, 2)), deviation * deviation, 1e-12);
        Assert.Equal(to.Sigma * to.Sigma, down.Sigma * down.Sigma + deviation * deviation, 1e-12);
        Assert.Equal(to.Alpha, down.Alpha);
    }

    // With η above 1 a long step would draw more than there is: then all of it is fresh.
    [Fact]
    public void ALongStepDrawsNoMoreThanThereIs()
    {
        var to = Schedule.At(0.2);
        var (down, deviation) = AncestralSplit.Of(Schedule.At(0.9), to, 2);
        Assert.Equal((to.Alpha, 0, to.Sigma), (down.Alpha, down.Sigma, deviation));
    }
}
