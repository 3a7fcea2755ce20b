using Diffusion.Checkpoints;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class LearningRateScheduleTests
{
    [Fact]
    public void SchedulesAreThoseOfDiffusers()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Shared.Require("golden/training"), "data.safetensors"));
        using var scope = NewDisposeScope();
        Check("lr0", LearningRateSchedule.Constant);
        Check("lr1", LearningRateSchedule.Constant.WithWarmUp(10));
        Check("lr2", LearningRateSchedule.Linear().WithWarmUp(10));
        Check("lr3", LearningRateSchedule.Cosine().WithWarmUp(10));

        void Check(string name, LearningRateSchedule schedule)
        {
            var rates = file.Read(name).to(float64).data<double>().ToArray();
            for (var step = 0; step <= 100; step++) Assert.Equal(rates[step], 3e-4 * schedule.Factor(step, 100), 1e-9);
        }
    }

    [Fact]
    public void InverseSquareRootFallsAfterItsSteps()
    {
        var schedule = LearningRateSchedule.InverseSquareRoot(100);
        Assert.Equal(1, schedule.Factor(100, double.PositiveInfinity));
        Assert.Equal(0.5, schedule.Factor(400, double.PositiveInfinity), 1e-15);
    }

    [Fact]
    public void EndsAtTheFinalFactorAndStaysThere()
    {
        Assert.Equal(0.1, LearningRateSchedule.Cosine(0.1).Factor(100, 100), 1e-15);
        Assert.Equal(0.1, LearningRateSchedule.Cosine(0.1).Factor(500, 100), 1e-15);
        Assert.Equal(0.2, LearningRateSchedule.Linear(0.2).Factor(500, 100), 1e-15);
        Assert.Equal(1, LearningRateSchedule.Cosine().Factor(500, double.PositiveInfinity));
    }

    [Fact]
    public void RejectsBadNumbers()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Linear(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.InverseSquareRoot(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Constant.WithWarmUp(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Constant.Factor(-1, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Constant.Factor(0, 0));
    }
}
