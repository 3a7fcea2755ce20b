using Diffusion.Checkpoints;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public class ModelDescriptionTests
{
    private static readonly NoiseSchedule[] Schedules =
    [
        new RectifiedFlowSchedule(), new CosineSchedule(0.01), new VariancePreservingSchedule(0.2, 15),
        new DiscreteSchedule(BetaSchedule.RescaleToZeroTerminalSnr(BetaSchedule.ScaledLinear()), LevelInterpolation.NoiseToSignal),
        new SubVariancePreservingSchedule(0.2, 15), new VarianceExplodingSchedule(0.02, 40), new KarrasSchedule(0.01, 60, 5), new TrigonometricSchedule(),
        new ShiftedSchedule(new RectifiedFlowSchedule(), 3), new VarianceExplodingForm(new CosineSchedule()), new MonotoneSchedule(9, -4, 0.7, [0.5, 2], [3, 20], [0.1, 0.6]),
    ];

    private static readonly Parameterization[] Parameterizations =
    [
        Parameterization.Epsilon(NoiseLabel.Timestep(1000)), Parameterization.Data(NoiseLabel.LogSigma), Parameterization.V(), Parameterization.Score(NoiseLabel.NoiseToSignal),
        Parameterization.Velocity(NoiseLabel.Time(999)), Parameterization.Edm(0.7),
    ];

    [Fact]
    public void EveryScheduleAndParameterizationComesBackAsItWas()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("model.json");
        foreach (var schedule in Schedules)
            foreach (var parameterization in Parameterizations)
            {
                new ModelDescription(schedule, parameterization, 3, 8, 8) { ClassNames = ["a", "b"], NullClass = 2, DataRange = 1 }.Write(file);
                var read = ModelDescription.Read(file);
                Assert.Equal([3L, 8, 8], read.SampleShape);
                Assert.Equal((2L, 1.0), (read.NullClass, read.DataRange));
                foreach (var time in new[] { 0.123, 0.5, 0.99 })
                {
                    Assert.Equal(schedule.At(time), read.Schedule.At(time));
                    Assert.Equal(parameterization.At(schedule.At(time)), read.Parameterization.At(read.Schedule.At(time)));
                }
            }
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "version")]
    [InlineData("\"betaMin\": 0.1", "\"betaMin\": \"much\"", "betaMin")]
    [InlineData("\"betaMin\": 0.1", "\"betaMin\": -1", "-1")]
    [InlineData("\"betaMin\": 0.1", "\"gammaMin\": 0.1", "betaMin")]
    [InlineData("\"kind\": \"v\"", "\"kind\": \"w\"", "parameterization")]
    [InlineData("\"dataRange\": 1", "\"dataRange\": 0", "dataRange")]
    [InlineData("\"dataRange\": 1", "\"dataRangf\": 1", "dataRangf")]
    [InlineData("\"dataRange\": 1", "\"dataRange\": 1, \"dataRange\": 1", "twice")]
    [InlineData("{", "", "JSON")]
    public void AFaultIsNamedWithItsFileAndKey(string what, string with, string named)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("model.json");
        new ModelDescription(new VariancePreservingSchedule(), Parameterization.V(), 1, 8, 8) { DataRange = 1 }.Write(file);
        var text = File.ReadAllText(file);
        var at = text.IndexOf(what, StringComparison.Ordinal);
        Assert.True(at >= 0, $"The file has no {what}.");
        File.WriteAllText(file, text[..at] + with + text[(at + what.Length)..]);
        var message = Assert.Throws<InvalidDataException>(() => ModelDescription.Read(file)).Message;
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AScheduleOfTheUsersOwnHasNoNameInAFile()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<NotSupportedException>(() => new ModelDescription(new Own(), Parameterization.V(), 2).Write(folder.File("model.json")));
        Assert.Contains(nameof(Own), error.Message, StringComparison.Ordinal);
    }

    private sealed class Own : NoiseSchedule
    {
        public override NoiseLevel At(double time) => new(time, 1 - time, time, -1, 1);

        public override double TimeAtLogSnr(double logSnr) => 1 / (1 + Math.Exp(logSnr / 2));
    }
}
