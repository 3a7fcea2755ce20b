using Diffusion.Data;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>The numbers of steps that stay on the device until a report, as they do on a GPU; here forced on the CPU.</summary>
public sealed class TrainingReportTests : IDisposable
{
    private readonly TensorDataSet _data = PlaneMixture.DataSet(128);
    private readonly DataLoader _loader;
    private readonly BreakableNetwork _network = new();

    public TrainingReportTests() => _loader = new DataLoader(_data, 32, new() { Prefetch = 0 });

    public void Dispose()
    {
        _network.Dispose();
        _loader.Dispose();
        _data.Dispose();
    }

    [Fact]
    public void NumbersThatStayOnTheDeviceComeOutTheSame()
    {
        var (early, earlyBroken) = Play(NonFinitePolicy.Skip, looksAtOnce: true);
        var (late, lateBroken) = Play(NonFinitePolicy.Skip, looksAtOnce: false);
        Assert.Equal(early.Buckets, late.Buckets);
        Assert.Equal((early.Loss, early.GradientNorm, early.LearningRate, early.Skipped, early.NonFinite), (late.Loss, late.GradientNorm, late.LearningRate, late.Skipped, late.NonFinite));
        Assert.Equal([(3L, new LoaderPosition(0, 3))], lateBroken); // one replay a report, of the step itself
        Assert.Equal(earlyBroken, lateBroken);
        Assert.Equal(2, late.Skipped);
        Assert.Equal(Enumerable.Range(0, 300).Where(i => i is not (3 or 280)).Average(i => 1 + i), late.Loss, 1e-9);
    }

    [Fact]
    public void SteppingOnDoesNotHideTheStepThatBroke() =>
        Assert.Equal(3, Assert.Throws<TrainingDivergedException>(() => Play(NonFinitePolicy.Stop, looksAtOnce: false)).Step);

    private (TrainingProgress Report, List<(long, LoaderPosition)> Explained) Play(NonFinitePolicy policy, bool looksAtOnce)
    {
        using var scope = NewDisposeScope();
        using var run = new TrainingRun(_network, new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()), _loader, new() { NonFinite = policy });
        var explained = new List<(long, LoaderPosition)>();
        var norm = zeros([], ScalarType.Float32);
        using var report = new TrainingReport(run.Settings, norm, (step, position, loss, size) =>
        {
            explained.Add((step, position));
            return new NonFiniteStep(step, 0, 0, null, null, "broken");
        }, looksAtOnce);
        report.Restart(TimeSpan.Zero);
        var level = run.Objective is DenoisingObjective d ? d.Schedule.At(0.25) : default;
        for (var i = 0; i < 300; i++) // more than are ever pending
        {
            report.Begin(i, new LoaderPosition(0, i));
            var value = i == 3 ? double.NaN : 1 + i;
            report.Add(new LossTerms(tensor(value, float32), tensor([(float)value]), [level]), 1);
            norm.fill_(i == 280 ? double.PositiveInfinity : i); // the optimizer's one tensor, written over by every step
            report.End(1e-3 * i);
        }

        TrainingProgress? told = null;
        report.Send(run, new Collect(p => told = p));
        return (told!.Value, explained);
    }

    private sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
