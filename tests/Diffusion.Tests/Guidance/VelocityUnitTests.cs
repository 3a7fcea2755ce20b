using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

public class VelocityUnitTests
{
    // Of x = α·d + σ·e and v = α'·d + σ'·e, d.
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.6)]
    public void DataFollowsFromStateAndVelocityOnAnyPath(double time)
    {
        using var scope = NewDisposeScope();
        foreach (var schedule in new NoiseSchedule[] { new TrigonometricSchedule(), new VariancePreservingSchedule(), new KarrasSchedule(), new RectifiedFlowSchedule() })
        {
            var level = schedule.At(time);
            var (d, e) = (randn(4, 3, dtype: float64), randn(4, 3, dtype: float64));
            Assert.True(VelocityUnit.ToData(d * level.Alpha + e * level.Sigma, level, d * level.AlphaDot + e * level.SigmaDot).allclose(d, 1e-9, 1e-9));
            Assert.True(VelocityUnit.AtRest(d, level).allclose(VelocityUnit.ToData(d, level, zeros_like(d)), 1e-12, 1e-12));
        }
    }

    [Fact]
    public void LevelsWithoutSlopesAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        foreach (var level in new[] { NoiseLevel.Of(0.8, 0.6), new NoiseLevel(0.5, 0.8, 0.6, 0, 0), new NoiseLevel(0.5, 0.8, 0.6, double.NegativeInfinity, 1) })
            Assert.Contains("α = 0.8, σ = 0.6", Assert.Throws<InvalidOperationException>(() => VelocityUnit.AtRest(ones(1, 2), level)).Message, StringComparison.Ordinal);
    }
}
