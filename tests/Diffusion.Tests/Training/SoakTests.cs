using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>Two thousand training steps and two hundred sampling runs in one process: nothing may grow.</summary>
public class SoakTests
{
    private const int Rounds = 20, StepsARound = 100, SamplingsARound = 10, WarmUp = 5;

    /// <remarks>Takes a few minutes; see "Tests that take long" in the README.</remarks>
    [Fact(Explicit = true)]
    public void TensorsAndMemoryAreFlat()
    {
        using var folder = new TemporaryFolder();
        using var data = new ShapesDataSet(size: 16);
        using var loader = new DataLoader(data, 8);
        using var network = new UNet(UNetPresets.ForImages(3, 16, 10, 8));
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()) { ConditionDropout = 0.1 };
        using var progress = new JsonLinesProgress(Path.Combine(folder.Path, "metrics.jsonl"));
        using var board = new TensorBoardProgress(Path.Combine(folder.Path, "board"));
        var rounds = new List<(long Tensors, double Megabytes)>();
        using var run = new TrainingRun(network, objective, loader, new()
        {
            Steps = Rounds * StepsARound,
            Condition = TrainingSettings.ForClasses(10),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.05), AveragingRule.PowerFunctionOfWidth(0.10)],
            CheckpointFolder = Path.Combine(folder.Path, "checkpoints"),
            CheckpointEvery = StepsARound,
            AfterStep = run =>
            {
                if (run.Step % StepsARound != 0) return;
                using (run.Averages[0].Applied())
                    for (var i = 0; i < SamplingsARound; i++) Sample(network, objective, run.Step * SamplingsARound + i);
                rounds.Add((LiveTensors.Count(), ResidentMegabytes()));
            },
        });
        run.Train(new CombinedProgress(progress, board), TestContext.Current.CancellationToken);

        var report = string.Join("; ", rounds.Select(r => $"{r.Tensors} tensors, {r.Megabytes:f1} MB"));
        TestContext.Current.SendDiagnosticMessage(report);
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        // Batches that the loader has read ahead differ by a few.
        Assert.True(rounds.Skip(1).Max(r => r.Tensors) - rounds.Skip(1).Min(r => r.Tensors) <= 8, report);
        var settled = rounds.Skip(WarmUp).ToArray();
        var (early, late) = (Median(settled[..5]), Median(settled[^5..]));
        Assert.True(Math.Abs(late / early - 1) < 0.02, $"{early:f1} MB became {late:f1} MB: {report}");
        Assert.True(settled.Max(r => r.Megabytes) / settled.Min(r => r.Megabytes) < 1.02, report);
    }

    private static void Sample(UNet network, DenoisingObjective objective, long seed)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(seed);
        network.eval();
        var denoiser = new NetworkDenoiser(network, objective.Schedule, objective.Parameterization, Conditioning.ForClasses([0, 1, 2, 3]));
        new DdimSampler().Sample(denoiser, objective.Schedule.DrawPrior([4, 3, 16, 16], noise), TimeGrid.Uniform(objective.Schedule, 10), noise);
        network.train();
    }

    private static double Median((long, double Megabytes)[] rounds) => rounds.Select(r => r.Megabytes).Order().ElementAt(rounds.Length / 2);

    private static double ResidentMegabytes()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet / 1048576.0;
    }
}
