using Diffusion.Data;
using Diffusion.Schedules;
using Diffusion.Training;

namespace Diffusion.TrainingProcess;

/// <summary>
/// A run as small as can be that has everything whose place must be found again: two averages, momentum of two kinds, a learning rate that follows the step, dropout, data in a
/// new order each epoch, random flips of it, stored averages and a file of metrics.
/// </summary>
internal static class SmallRun
{
    /// <summary>Steps of the whole run.</summary>
    public const long Steps = 1600;

    /// <summary>Begins the run in a folder or goes on with it, until a step or its end.</summary>
    /// <param name="folder">Where the run is.</param>
    /// <param name="stop">The step to stop at.</param>
    /// <param name="checkpointEvery">Steps between two checkpoints, which must not matter for where it ends.</param>
    /// <param name="cancellation">Stops it after any step.</param>
    /// <param name="stepTaken">Told of every step.</param>
    /// <returns>Completed, also where it stopped at <paramref name="stop"/>; cancelled only by the caller's token.</returns>
    public static TrainingOutcome Train(string folder, long stop, int checkpointEvery, CancellationToken cancellation, Action<long>? stepTaken = null)
    {
        set_num_threads(1);
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var noise = NoiseSource.FromSeed(4);
        using var images = noise.Next([100, 1, 2, 2], ScalarType.Float32, CPU);
        using var data = new TensorDataSet(images);
        using var loader = new DataLoader(data, 32, new() { Seed = 3, Transforms = [new RandomHorizontalFlip()] });
        random.manual_seed(1).Dispose();
        using var network = new SmallNetwork();
        using var progress = new JsonLinesProgress(Path.Combine(folder, "metrics.jsonl"));
        using var run = new TrainingRun(network, new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()), loader, new()
        {
            Update = UpdateRule.AdamW(1e-2),
            LearningRate = LearningRateSchedule.Cosine().WithWarmUp(5),
            Averages = [AveragingRule.Constant(0.9), AveragingRule.PowerFunctionOfWidth(0.1)],
            Steps = Steps,
            Seed = 5,
            ReportEvery = 5,
            CheckpointFolder = Path.Combine(folder, "checkpoints"),
            CheckpointEvery = checkpointEvery,
            CheckpointsKept = 1, // every save but the first discards one
            Snapshots = new AverageSnapshots(Path.Combine(folder, "averages"), every: 400),
            AfterStep = r =>
            {
                stepTaken?.Invoke(r.Step);
                if (r.Step == stop) stopped.Cancel();
            },
        });
        run.Resume();
        var outcome = run.Train(progress, stopped.Token);
        return cancellation.IsCancellationRequested ? outcome : TrainingOutcome.Completed;
    }

    private sealed class SmallNetwork : DenoisingNetwork
    {
        private readonly TorchSharp.Modules.Linear linear = nn.Linear(4, 4, hasBias: false);
        private readonly TorchSharp.Modules.Dropout dropout = nn.Dropout(0.2);

        public SmallNetwork() : base("Small") => RegisterComponents();

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            return dropout.call(linear.call(input1.flatten(1))).view(input1.shape).MoveToOuterDisposeScope();
        }
    }
}
