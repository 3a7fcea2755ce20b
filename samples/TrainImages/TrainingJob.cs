using System.Diagnostics;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Evaluation;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainImages;

/// <summary>The job: data, network, objective, training, samples.</summary>
internal sealed class TrainingJob
{
    public string? Data { get; init; }

    public double? Minutes { get; init; }

    public long? Steps { get; init; }

    public int Size { get; init; } = 32;

    public int Batch { get; init; } = 32;

    public int Width { get; init; } = 16;

    public double Rate { get; init; } = 2e-3;

    public string Schedule { get; init; } = "rectified-flow";

    public string? Parameterization { get; init; }

    public string Device { get; init; } = "cpu";

    public long Seed { get; init; }

    public string? Folder { get; init; }

    public bool Resume { get; init; }

    public bool Measure { get; init; }

    public int Run(CancellationToken cancellation)
    {
        var device = torch.device(Device);
        var folder = Folder ?? NewFolder(Data is null ? "shapes" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Data)).Split('.')[0]);
        using var data = Choices.Open(Data, Size, Seed);
        var shape = data.SampleShape;
        if (shape[1] != shape[2]) throw new ArgumentException($"The images are {shape[2]} × {shape[1]} pixels; square ones are needed.");
        var (channels, size, classes) = ((int)shape[0], (int)shape[1], data.ClassCount ?? 0);

        var schedule = Choices.Schedules[Schedule]();
        var parameterization = Choices.Parameterizations[Parameterization ?? (Schedule == "rectified-flow" ? "velocity" : "v")]();
        if (!double.IsFinite(parameterization.At(schedule.At(1)).Skip))
            throw new ArgumentException($"--parameterization {parameterization.Name} is undefined where nothing of the data is left, which --schedule {Schedule} reaches; use v, velocity or data.");

        manual_seed(Seed);
        using var network = new UNet(UNetPresets.ForImages(channels, size, classes, Width), zeroInit: true);
        network.to(device);
        var objective = new DenoisingObjective(schedule, parameterization)
        {
            Times = Schedule == "rectified-flow" ? TimeDistribution.LogitNormal().Stratified() : TimeDistribution.Uniform(1e-4).Stratified(),
            ConditionDropout = classes > 0 ? 0.1 : 0,
        };
        using var loader = new DataLoader(data, Batch, new DataLoaderOptions { Seed = Seed, Device = device });
        using var run = new TrainingRun(network, objective, loader, new TrainingSettings
        {
            Update = UpdateRule.AdamW(Rate),
            LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Seed = Seed,
            Steps = Steps,
            Duration = Minutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
            Condition = classes > 0 ? TrainingSettings.ForClasses(classes) : null,
            CheckpointFolder = Path.Combine(folder, "checkpoints"),
        });
        if (Resume && !run.Resume()) throw new ArgumentException($"'{folder}' holds no run to resume.");

        Console.WriteLine($"{(Resume ? $"Going on at step {run.Step:N0}: " : "")}{network.parameters().Sum(p => p.numel()):N0} parameters, {channels} × {size} × {size} images, "
            + (classes > 0 ? $"{classes} classes" : "no classes") + (data.Count < 1_000_000_000 ? $", {data.Count:N0} samples." : ", drawn without end."));
        using var progress = new ProgressDisplay(Path.Combine(folder, "loss.csv"), run.Step);
        using var metrics = new JsonLinesProgress(Path.Combine(folder, "metrics.jsonl"));
        using var board = new TensorBoardProgress(Path.Combine(folder, "tensorboard"));
        var outcome = run.Train(new CombinedProgress(progress, metrics, board), cancellation);
        progress.Finish();
        if (outcome == TrainingOutcome.Cancelled)
        {
            Console.WriteLine($"Stopped and saved at step {run.Step:N0}. Go on with: --resume {folder}");
            return 130;
        }

        run.Averages[0].CopyTo(network);
        using var model = new DiffusionModel(network, new ModelDescription(schedule, parameterization, channels, size, size)
        {
            ClassNames = data.ClassNames ?? [],
            NullClass = classes > 0 ? classes : null,
            DataRange = 1,
        });
        model.Save(Path.Combine(folder, "model"));
        Pictures.Write(model, progress.Losses, folder, Seed);
        Console.WriteLine($"""

            Written to {folder}:
              samples.png      guided samples, one row a class
              loss.png         the loss curve
              denoising.webp   how noise becomes samples (open it in a browser)
              model            the trained model: dotnet run -c Release --project samples/Generate -- {Path.Combine(folder, "model")}
              metrics.jsonl    loss by noise level, gradient norm, learning rate, speed; in tensorboard too: tensorboard --logdir {folder}
              checkpoints      to train further: --resume {folder}
            """);
        if (Measure) Console.WriteLine(Recognised(model, data, size));
        return 0;
    }

    private string Recognised(DiffusionModel model, DataSet data, int size)
    {
        if (model.Classes == 0) return "Nothing to measure: the data has no classes.";
        using var scope = NewDisposeScope();
        // Drawn shapes are unseen with another seed; other data is split in halves, one of which tests the classifier.
        using var other = Choices.Open(Data, Size, Seed + 1);
        var count = (int)Math.Min(other.Count, 8000);
        long[] Every(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => (long)i)];
        var (train, test) = (other.Get(Every(0, count * 4 / 5)), other.Get(Every(count * 4 / 5, count)));
        manual_seed(Seed);
        using var classifier = new ImageClassifier((int)data.SampleShape[0], size, model.Classes);
        new ClassifierTraining { Epochs = 4, MaxTurn = 5, MaxShift = 0.04, Seed = Seed }.Train(classifier, train.Data, train.Labels!);
        var labels = Enumerable.Range(0, 500).Select(i => (long)(i % model.Classes)).ToArray();
        var watch = Stopwatch.StartNew();
        var samples = model.Sample(labels, seed: Seed + 2);
        var drawn = tensor(labels);
        return $"A classifier that recognises {classifier.Accuracy(test.Data, test.Labels!):P1} of unseen data recognises {classifier.Accuracy(samples, drawn):P1} of {labels.Length} guided samples "
            + $"(variance within a class {SampleStatistics.WithinClassVariance(samples, drawn) / SampleStatistics.WithinClassVariance(test.Data, test.Labels!):f2} of real; {labels.Length / watch.Elapsed.TotalSeconds:f0} samples/s).";
    }

    // out/name, or out/name-2 … where a run is there already.
    private static string NewFolder(string name)
    {
        for (var i = 1; ; i++)
        {
            var folder = Path.Combine("out", i == 1 ? name : $"{name}-{i}");
            if (!Directory.Exists(folder)) return folder;
        }
    }
}
