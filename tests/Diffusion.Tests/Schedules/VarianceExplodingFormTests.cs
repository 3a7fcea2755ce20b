using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

public class VarianceExplodingFormTests
{
    [Fact]
    public void KeepsTheSignalToNoiseRatioAndItsSlope()
    {
        var inner = new VariancePreservingSchedule();
        var form = new VarianceExplodingForm(inner);
        foreach (var t in new[] { 1e-4, 0.1, 0.5, 1 })
        {
            var (a, b) = (inner.At(t), form.At(t));
            Assert.Equal(1, b.Alpha);
            Assert.Equal(a.LogSnr, b.LogSnr, 12);
            Assert.Equal(t, form.TimeAtLogSnr(b.LogSnr), 12);
            var h = 1e-6 * t;
            if (t < 1) Assert.Equal((form.At(t + h).Sigma - form.At(t - h).Sigma) / (2 * h), b.SigmaDot, 1e-8 * b.SigmaDot);
            Assert.Equal(a.DiffusionSquared / (a.Alpha * a.Alpha), b.DiffusionSquared, 1e-12 * b.DiffusionSquared); // g² divided by α²
        }

        Assert.True(form.Clean.IsClean);
        Assert.Equal(inner.At(0).VarianceDot, form.At(0).VarianceDot, 12);
    }

    [Fact]
    public void RefusesTheEndWithoutData() => Assert.Throws<ArgumentOutOfRangeException>(() => new VarianceExplodingForm(new RectifiedFlowSchedule()).At(1));
}
