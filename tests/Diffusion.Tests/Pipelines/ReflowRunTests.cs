using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Tests.Training;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Pipelines;

public class ReflowRunTests
{
    private static readonly RectifiedFlowSchedule Flow = new();

    private static Mlp Trained(int steps)
    {
        manual_seed(1);
        var network = new Mlp(2, 48, 1);
        using var noise = NoiseSource.FromSeed(1);
        using var points = PlanarPoints.TwoMoons(2000, noise);
        using var data = new TensorDataSet(points);
        using var loader = new DataLoader(data, 128);
        using var run = new TrainingRun(network, new DenoisingObjective(Flow, Parameterization.Velocity()), loader, Training(steps)(""));
        run.Train();
        run.Averages[0].CopyTo(network);
        return network;
    }

    private static Func<string, TrainingSettings> Training(int steps) => folder => new TrainingSettings
    {
        Steps = steps,
        Update = UpdateRule.AdamW(3e-3),
        LearningRate = LearningRateSchedule.Cosine(0.05),
        CheckpointFolder = folder.Length > 0 ? folder : null,
        CheckpointEvery = 20,
        ReportEvery = 10,
    };

    private static ReflowRun Run(Mlp network, string folder, int steps, long pairs, int rounds = 1, bool distils = false) =>
        new(network, Flow, Parameterization.Velocity(), [2], new ReflowSettings(folder, Training(steps)) { Pairs = pairs, Rounds = rounds, Distils = distils, Steps = 10, Measured = 500, Seed = 3 });

    [Fact]
    public void AReflowStraightensAndDoesNotCarryFurther()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var network = Trained(600);
        var reflow = Run(network, folder.Path, 600, 2000);
        Assert.Equal(TrainingOutcome.Completed, reflow.Run());
        var (before, after) = (reflow.Rounds[0].Geometry, reflow.Rounds[1].Geometry);
        Assert.True(after.Straightness < 0.5 * before.Straightness, $"{before} became {after}.");
        Assert.True(after.TransportCost < 1.05 * before.TransportCost, $"{before} became {after}."); // the theorem, and what the training leaves
    }

    // Stopped within the pairs, within each training and between them, the run ends at the weights of the one that was never stopped, to the bit.
    [Fact]
    public void StoppedAndResumedIsTheSameRun()
    {
        using var scope = NewDisposeScope();
        using var threads = new OneThread();
        using var folder = new TemporaryFolder();
        using var whole = Trained(30);
        Run(whole, folder.File("whole"), 50, 300, rounds: 2, distils: true).Run();
        var stops = 0;
        while (true)
        {
            using var part = Trained(30); // a new process has the network that the first one began with
            using var stop = new CancellationTokenSource();
            var reports = 0;
            var outcome = Run(part, folder.File("parts"), 50, 300, rounds: 2, distils: true).Run(new Sink(_ => { if (++reports == 4) stop.Cancel(); }), stop.Token);
            if (outcome == TrainingOutcome.Cancelled)
            {
                Assert.True(++stops < 30);
                continue;
            }

            foreach (var ((name, expected), (_, actual)) in whole.named_parameters().Zip(part.named_parameters()))
                Assert.True(expected.eq(actual).all().item<bool>(), name);
            break;
        }

        Assert.True(stops >= 5);
    }

    [Fact]
    public void RefusesBadSettings()
    {
        Assert.Throws<ArgumentException>(() => new ReflowSettings("", Training(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReflowSettings("x", Training(1)) { Rounds = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReflowSettings("x", Training(1)) { Steps = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReflowSettings("x", Training(1)) { Guidance = double.NaN });
    }

    private sealed class Sink(Action<ReflowProgress> tell) : IProgress<ReflowProgress>
    {
        public void Report(ReflowProgress value) => tell(value);
    }
}
