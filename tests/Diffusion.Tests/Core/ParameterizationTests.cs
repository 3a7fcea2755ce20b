using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

public class ParameterizationTests
{
    private static readonly Parameterization[] Presets =
    [
        Parameterization.Epsilon(), Parameterization.Data(), Parameterization.V(), Parameterization.Score(), Parameterization.Velocity(), Parameterization.Edm(0.5),
    ];

    private static readonly NoiseSchedule[] Schedules =
    [
        new VariancePreservingSchedule(), new CosineSchedule(), new RectifiedFlowSchedule(), new DiscreteSchedule(BetaSchedule.ScaledLinear()),
    ];

    public static TheoryData<int, int> Pairs()
    {
        var pairs = new TheoryData<int, int>();
        for (var p = 0; p < Presets.Length; p++)
            for (var s = 0; s < Schedules.Length; s++) pairs.Add(p, s);
        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void DecodingTheTargetGivesTheDataBack(int preset, int schedule)
    {
        const double x0 = 0.7, x1 = -1.3;
        foreach (var time in new[] { 0.001, 0.1, 0.5, 0.9, 0.999 })
        {
            var level = Schedules[schedule].At(time);
            var scalings = Presets[preset].At(level);
            var (a, b) = scalings.Target(level);
            var x = level.Alpha * x0 + level.Sigma * x1;
            var decoded = scalings.Skip * x + scalings.Out * (a * x0 + b * x1);
            // Rounding of x, multiplied by Skip: 1/α for ε and the score.
            Assert.Equal(x0, decoded, 1e-14 * Math.Max(1, Math.Abs(scalings.Skip)));
        }
    }

    [Fact]
    public void TargetsAreTheQuantitiesThatThePresetsAreNamedAfter()
    {
        foreach (var schedule in Schedules)
        {
            var level = schedule.At(0.4);
            static void Same((double Data, double Noise) expected, (double Data, double Noise) actual)
            {
                Assert.Equal(expected.Data, actual.Data, 1e-12 * Math.Max(1, Math.Abs(expected.Data)));
                Assert.Equal(expected.Noise, actual.Noise, 1e-12 * Math.Max(1, Math.Abs(expected.Noise)));
            }

            Same((0, 1), Parameterization.Epsilon().At(level).Target(level));
            Same((1, 0), Parameterization.Data().At(level).Target(level));
            Same((-level.Sigma, level.Alpha), Parameterization.V().At(level).Target(level));
            Same((0, -1 / level.Sigma), Parameterization.Score().At(level).Target(level));
            Same((level.AlphaDot, level.SigmaDot), Parameterization.Velocity().At(level).Target(level));
        }
    }

    [Fact]
    public void EdmHasUnitVarianceInOutAndTarget()
    {
        const double sigmaData = 0.5;
        foreach (var schedule in Schedules)
        {
            var level = schedule.At(0.6);
            var scalings = Parameterization.Edm(sigmaData).At(level);
            var input = scalings.In * scalings.In * (Math.Pow(level.Alpha * sigmaData, 2) + Math.Pow(level.Sigma, 2));
            var (a, b) = scalings.Target(level);
            Assert.Equal(1, input, 1e-14);
            Assert.Equal(1, a * a * sigmaData * sigmaData + b * b, 1e-13);
        }
    }

    [Fact]
    public void VAndVelocityAndEdmAreFiniteOnPureNoise()
    {
        var level = new RectifiedFlowSchedule().At(1);
        foreach (var preset in new[] { Parameterization.Data(), Parameterization.V(), Parameterization.Velocity(), Parameterization.Edm() })
        {
            var scalings = preset.At(level);
            Assert.True(double.IsFinite(scalings.Skip) && double.IsFinite(scalings.Out) && double.IsFinite(scalings.In), preset.Name);
        }

        Assert.True(double.IsInfinity(Parameterization.Epsilon().At(level).Skip));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(-1.0)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void EdmRefusesADeviationThatIsNone(double sigmaData) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Parameterization.Edm(sigmaData));

    [Fact]
    public void TimestepLabelsAreTheIntegersOfTraining()
    {
        var schedule = new DiscreteSchedule(BetaSchedule.Linear());
        var label = NoiseLabel.Timestep(1000);
        for (var i = 0; i < 1000; i++) Assert.Equal(i, label.At(schedule.AtTimestep(i)), 1e-9);
    }
}
