using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;
using TorchSharp;

namespace Server;

/// <summary>Where the model comes from.</summary>
internal static class SmallModel
{
    /// <summary>The model of a folder; without one, a small model of drawn shapes that has been trained for some seconds, or not at all.</summary>
    public static DiffusionModel LoadOrTrain(string? folder, double seconds, CancellationToken cancellation)
    {
        if (folder is not null) return DiffusionModel.Load(folder);
        if (!(seconds >= 0 && seconds <= 86_400)) throw new ArgumentOutOfRangeException(nameof(seconds), seconds, "The training takes 0 to 86,400 seconds.");
        using var data = new ShapesDataSet(size: 16);
        var (schedule, velocity, classes) = (new RectifiedFlowSchedule(), Parameterization.Velocity(), data.ClassCount!.Value);
        torch.manual_seed(1);
        var network = new UNet(UNetPresets.ForImages(channels: 3, size: 16, classes, width: 8));
        if (seconds > 0)
        {
            Console.WriteLine($"Training a small model for {seconds:g} seconds; --model FOLDER serves one that is finished.");
            using var loader = new DataLoader(data, batchSize: 32);
            var settings = new TrainingSettings { Duration = TimeSpan.FromSeconds(seconds), Update = UpdateRule.AdamW(2e-3), LearningRate = LearningRateSchedule.Cosine(0.02), Condition = TrainingSettings.ForClasses(classes) };
            using var run = new TrainingRun(network, new DenoisingObjective(schedule, velocity) { ConditionDropout = 0.1 }, loader, settings);
            if (run.Train(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped before the model was trained.");
            run.Averages[0].CopyTo(network);
        }

        return new DiffusionModel(network, new ModelDescription(schedule, velocity, 3, 16, 16) { ClassNames = data.ClassNames!, NullClass = classes, DataRange = 1 });
    }
}
