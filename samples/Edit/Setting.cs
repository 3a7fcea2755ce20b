using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Evaluation;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;

namespace Edit;

/// <summary>What all parts of the sample share: a model, a classifier of noisy images trained on the same data, an independent judge, and images that none of them has seen.</summary>
internal sealed class Setting : IDisposable
{
    private readonly NoisyImageClassifier _network;

    private Setting(DiffusionModel model, NoisyImageClassifier network, ImageClassifier judge, Tensor images, Tensor labels, double realVariance, int steps)
    {
        (Model, _network, Judge, Images, Labels, RealVariance, Steps) = (model, network, judge, images, labels, realVariance, steps);
        Classifier = new NoisyClassifier(network, model.Description.Parameterization);
    }

    public DiffusionModel Model { get; }

    public NoisyClassifier Classifier { get; }

    public ImageClassifier Judge { get; }

    /// <summary>One unseen image of each class.</summary>
    public Tensor Images { get; }

    /// <summary>Their classes.</summary>
    public Tensor Labels { get; }

    /// <summary>Variance of real images within a class.</summary>
    public double RealVariance { get; }

    /// <summary>Of the samplers.</summary>
    public int Steps { get; }

    public int Classes => Model.Classes;

    /// <summary>Steps from just below pure noise, where a gradient is defined, to data.</summary>
    public TimeGrid Grid(int steps) => TimeGrid.Uniform(Model.Description.Schedule, steps, from: 0.98);

    public static Conditioning Condition(Tensor labels, int classes) => new() { ClassLabels = labels, NullClass = classes };

    /// <summary>The model under a condition, or with none.</summary>
    public IDenoiser Bind(Tensor labels, double guidance = 1) => Model.Bind(Condition(labels, Classes), guidance);

    public IDenoiser Unconditional(long count) => Model.Bind(Condition(full([count], Classes, int64), Classes));

    public static Setting Prepare(string folder, string? saved, double minutes, double classifierMinutes, int epochs, int steps, CancellationToken cancellation)
    {
        if (steps < 4) throw new ArgumentException($"--steps is {steps}; at least 4 are needed.", nameof(steps));
        using var all = Directory.Exists(folder)
            ? (DataSet)IdxDataSet.Open(Path.Combine(folder, "t10k-images-idx3-ubyte.gz"), Path.Combine(folder, "t10k-labels-idx1-ubyte.gz"))
            : new ShapesDataSet(0, 28, 10_000);
        if (!Directory.Exists(folder)) Console.WriteLine($"There is no {folder}: drawn shapes are used.");
        var parts = DataSplit.ByHash(all, 5000, 4000, 1000);
        var (training, judged, unseen) = (parts[0], All(parts[1]), All(parts[2]));
        var (channels, size, classes) = ((int)unseen.Data.shape[1], (int)unseen.Data.shape[2], all.ClassCount!.Value);

        manual_seed(0);
        var judge = new ImageClassifier(channels, size, classes);
        new ClassifierTraining { Epochs = epochs }.Train(judge, judged.Data, judged.Labels!, cancellation);
        Console.WriteLine($"The judge recognises {judge.Accuracy(unseen.Data, unseen.Labels!):P1} of {parts[2].Count:N0} unseen images.");
        var model = saved is null ? TrainModel(training, channels, size, classes, minutes, cancellation) : DiffusionModel.Load(saved);
        if (model.Classes != classes || !model.Description.SampleShape.SequenceEqual([channels, size, size]))
            throw new ArgumentException($"The model has {model.Classes} classes of images [{string.Join(", ", model.Description.SampleShape)}], the data {classes} of [{channels}, {size}, {size}].", nameof(saved));
        var network = TrainClassifier(model, training, channels, size, classes, classifierMinutes, cancellation);

        using (var noise = NoiseSource.FromSeed(3))
            foreach (var time in new[] { 0.2, 0.5, 0.7, 0.9 })
            {
                using var gradients = no_grad();
                var level = model.Description.Schedule.At(time);
                var noisy = ImageEditing.AddNoise(unseen.Data.narrow(0, 0, 500), level, noise);
                var right = new NoisyClassifier(network, model.Description.Parameterization).Logits(noisy, level).argmax(1).eq(unseen.Labels!.narrow(0, 0, 500));
                Console.WriteLine($"The classifier of noisy images recognises {right.to(float32).mean().item<float>():P0} at t = {time}.");
            }

        // The first unseen image of each class.
        var first = Enumerable.Range(0, classes).Select(c => (unseen.Labels! == c).nonzero()[0, 0].item<long>()).ToArray();
        var chosen = tensor(first);
        var real = All(training);
        return new Setting(model, network, judge, unseen.Data.index_select(0, chosen), unseen.Labels!.index_select(0, chosen), SampleStatistics.WithinClassVariance(real.Data, real.Labels!), steps);
    }

    public void Dispose()
    {
        Model.Dispose();
        _network.Dispose();
        Judge.Dispose();
    }

    private static Batch All(DataSet data) => data.Get([.. Enumerable.Range(0, (int)data.Count).Select(i => (long)i)]);

    private static DiffusionModel TrainModel(DataSet data, int channels, int size, int classes, double minutes, CancellationToken cancellation)
    {
        var (schedule, parameterization) = (new RectifiedFlowSchedule(), Parameterization.Velocity());
        manual_seed(1);
        var network = new UNet(UNetPresets.ForImages(channels, size, classes), zeroInit: true);
        var objective = new DenoisingObjective(schedule, parameterization) { Times = TimeDistribution.LogitNormal().Stratified(), ConditionDropout = 0.1 };
        Train(network, objective, data, 32, classes, minutes, "model", cancellation);
        return new DiffusionModel(network, new ModelDescription(schedule, parameterization, channels, size, size) { ClassNames = data.ClassNames ?? [], NullClass = classes, DataRange = 1 });
    }

    private static NoisyImageClassifier TrainClassifier(DiffusionModel model, DataSet data, int channels, int size, int classes, double minutes, CancellationToken cancellation)
    {
        manual_seed(2);
        var network = new NoisyImageClassifier(channels, size, classes, width: 32, levels: 2);
        Train(network, new NoisyClassifierObjective(model.Description.Schedule, model.Description.Parameterization), data, 64, classes, minutes, "classifier", cancellation);
        network.eval();
        return network;
    }

    private static void Train(DenoisingNetwork network, TrainingObjective objective, DataSet data, int batch, int classes, double minutes, string name, CancellationToken cancellation)
    {
        using var loader = new DataLoader(data, batch, new DataLoaderOptions { Seed = 1 });
        using var run = new TrainingRun(network, objective, loader, new TrainingSettings
        {
            Update = UpdateRule.AdamW(2e-3),
            LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Duration = TimeSpan.FromMinutes(minutes),
            Condition = TrainingSettings.ForClasses(classes),
            ReportEvery = 200,
        });
        Console.WriteLine($"Training the {name}: {network.parameters().Sum(p => p.numel()):N0} parameters, {minutes:g3} minutes.");
        if (run.Train(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("The training was stopped.");
        run.Averages[0].CopyTo(network);
    }
}
