using Diffusion.Data;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public sealed class NonFiniteStepTests : IDisposable
{
    private readonly OneThread _thread = new();
    private readonly TensorDataSet _data = PlaneMixture.DataSet(128);
    private readonly DataLoader _loader;
    private readonly BreakableNetwork _network = new();

    public NonFiniteStepTests() => _loader = new DataLoader(_data, 32, new() { Prefetch = 0 }); // batches that are read ahead are live tensors

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _network.Dispose();
        _loader.Dispose();
        _data.Dispose();
        _thread.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void StoppingNamesTheStepAndTheInnermostFirstModule(int accumulation)
    {
        using var run = Run(NonFinitePolicy.Stop, accumulation);
        _network.Weak.OutputBreaks = () => run.Step == 3;
        var reports = new List<TrainingProgress>();
        var error = Assert.Throws<TrainingDivergedException>(() => run.Train(new Collect(reports.Add), Token));
        Assert.Equal((3L, "middle.weak"), (error.Step, error.Failure.Module));
        Assert.Null(error.Failure.Parameter);
        Assert.Contains("step 3", error.Message, StringComparison.Ordinal);
        Assert.Contains("'middle.weak' (Breakable), whose input is finite", error.Message, StringComparison.Ordinal);
        Assert.Equal(error.Failure, reports[^1].NonFinite); // logs learn of it too
        Assert.Equal(3, run.Step);
        Assert.Equal(3 * accumulation, (_loader.Position.Epoch * 4) + _loader.Position.Batch); // where the step began
        Assert.All(_network.parameters(), p => Assert.True(p.isfinite().all().item<bool>()));

        _network.Weak.OutputBreaks = static () => false; // the cause is removed: the run can go on
        Assert.Equal(TrainingOutcome.Completed, run.Train(cancellationToken: Token));
        Assert.Equal(8, run.Step);
    }

    [Fact]
    public void SkippingReportsTheSameAndEndsWhereARunWithoutTheStepsUpdateEnds()
    {
        using var run = Run(NonFinitePolicy.Skip);
        _network.Weak.OutputBreaks = () => run.Step is 2 or 4;
        var reports = new List<TrainingProgress>();
        Assert.Equal(TrainingOutcome.Completed, run.Train(new Collect(reports.Add), Token));
        var report = Assert.Single(reports, r => r.Skipped > 0);
        Assert.Equal((2, 2L, "middle.weak"), (report.Skipped, report.NonFinite!.Step, report.NonFinite.Module));
        Assert.True(double.IsFinite(report.Loss)); // of the steps that count
        Assert.Equal(8, run.Step);
        Assert.Equal(6, run.Optimizer.State["steps"].max().item<float>());
        Assert.Equal(new LoaderPosition(2, 0), _loader.Position);
    }

    [Fact]
    public void AGradientThatAloneIsNotFiniteNamesItsParameter()
    {
        using var run = Run(NonFinitePolicy.Stop);
        _network.Weak.GradientBreaks = () => run.Step == 1;
        var error = Assert.Throws<TrainingDivergedException>(() => run.Train(cancellationToken: Token));
        Assert.Null(error.Failure.Module);
        Assert.Equal("middle.weak.scale", error.Failure.Parameter);
        Assert.True(double.IsFinite(error.Failure.Loss));
        Assert.False(double.IsFinite(error.Failure.GradientNorm));
        Assert.Contains("the gradient of parameter 'middle.weak.scale' is not", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALossThatAloneOverflowsIsToldApart()
    {
        using var run = Run(NonFinitePolicy.Stop);
        using (no_grad()) _network.outlet.weight!.fill_(1e25f); // finite outputs, infinite squares
        var error = Assert.Throws<TrainingDivergedException>(() => run.Train(cancellationToken: Token));
        Assert.Null(error.Failure.Module);
        Assert.Contains("Every module's output is finite", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailureThatDoesNotRepeatIsSaidToBeOne()
    {
        using var run = Run(NonFinitePolicy.Stop);
        var calls = 0;
        _network.Weak.OutputBreaks = () => ++calls == 3;
        var error = Assert.Throws<TrainingDivergedException>(() => run.Train(cancellationToken: Token));
        Assert.Equal(2, error.Step);
        Assert.Contains("Taken again, the step gives finite numbers", error.Message, StringComparison.Ordinal);
    }

    // Also long after, as on a device whose numbers are fetched when a report is due.
    [Fact]
    public void AReplaySeesTheNumbersOfTheStepAndLeavesTheLoaderWhereItWas()
    {
        using var run = Run(NonFinitePolicy.Stop, accumulation: 2);
        run.Train(cancellationToken: Token);
        var (given, position) = (_network.Given.ToArray(), _loader.Position);
        _network.Weak.OutputBreaks = static () => true;
        var failure = FailureReplay.Explain(run, 3, new LoaderPosition(1, 2), double.NaN, double.NaN); // after six batches, four an epoch
        Assert.Equal((3L, "middle.weak"), (failure.Step, failure.Module));
        Assert.Equal(given[6..8], _network.Given.ToArray()[16..]);
        Assert.Equal(position, _loader.Position);
    }

    [Fact]
    public void AReplayLeavesNoTensorBehind()
    {
        long before = 0, after = 0;
        using var watched = new TrainingRun(_network, Objective, _loader, new()
        {
            Update = UpdateRule.Sgd(0.01),
            NonFinite = NonFinitePolicy.Skip,
            Steps = 60,
            AfterStep = r =>
            {
                if (r.Step == 20) before = LiveTensors.Count();
                if (r.Step == 60) after = Tensor.TotalCount;
            },
        });
        _network.Weak.OutputBreaks = () => watched.Step == 35;
        watched.Train(cancellationToken: Token);
        Assert.Equal(before, after);
    }

    private static DenoisingObjective Objective { get; } = new(new RectifiedFlowSchedule(), Parameterization.Velocity());

    private TrainingRun Run(NonFinitePolicy policy, int accumulation = 1) => new(_network, Objective, _loader, new()
    {
        Update = UpdateRule.Sgd(0.01),
        Steps = 8,
        NonFinite = policy,
        Accumulation = accumulation,
    });

    private sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
