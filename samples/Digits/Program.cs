// Real input, measured: trains a class-conditional model on 5,000 handwritten digits for ten minutes on two cores, and an independent
// classifier on 4,000 others; then says how many guided samples the classifier recognises, whether they vary as real digits do,
// whether they were copied, and how far they are from real ones. Needs the 10,000 MNIST test digits as IDX files.
using System.CommandLine;
using System.Diagnostics;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

var folder = new Argument<string>("data") { Description = "The folder of t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz.", DefaultValueFactory = _ => "../shared/data/mnist" };
var minutes = new Option<double>("--minutes") { Description = "Minutes of diffusion training.", DefaultValueFactory = _ => 10 };
var count = new Option<int>("--samples") { Description = "Guided samples to measure, a multiple of 10.", DefaultValueFactory = _ => 1000 };
var steps = new Option<int>("--steps") { Description = "Steps of the sampler.", DefaultValueFactory = _ => 25 };
var guidance = new Option<double>("--guidance") { Description = "Scale of classifier-free guidance.", DefaultValueFactory = _ => 2 };
var epochs = new Option<int>("--classifier-epochs") { Description = "Passes over the data that the classifier is trained for.", DefaultValueFactory = _ => 20 };
var output = new Option<string>("--out") { Description = "Where to write the model and the pictures.", DefaultValueFactory = _ => "out/digits" };
var reuse = new Option<bool>("--reuse") { Description = "Measure the model that is in --out already." };
var root = new RootCommand("Trains on handwritten digits and measures the samples.") { folder, minutes, count, steps, guidance, epochs, output, reuse };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        Measure(parsed, cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Digits: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

void Measure(ParseResult parsed, CancellationToken cancellation)
{
    if (parsed.GetValue(count) is var wanted && (wanted < 160 || wanted % 10 != 0))
        throw new ArgumentException($"--samples is {wanted}; a multiple of 10, at least 160 (16 a digit), is needed.");
    var target = parsed.GetValue(output)!;
    using var all = IdxDataSet.Open(Path.Combine(parsed.GetValue(folder)!, "t10k-images-idx3-ubyte.gz"), Path.Combine(parsed.GetValue(folder)!, "t10k-labels-idx1-ubyte.gz"));
    var parts = DataSplit.ByHash(all, 5000, 4000, 1000);
    var (forDiffusion, forClassifier, heldOut) = (parts[0], parts[1], parts[2]);

    using var scope = NewDisposeScope();
    var (real, other, unseen) = (All(forDiffusion), All(forClassifier), All(heldOut));
    manual_seed(0);
    using var classifier = new ImageClassifier(1, 28, 10);
    new ClassifierTraining { Epochs = parsed.GetValue(epochs) }.Train(classifier, other.Data, other.Labels!, cancellation);
    Console.WriteLine($"Classifier: {classifier.Accuracy(unseen.Data, unseen.Labels!):P2} of {heldOut.Count:N0} held-out digits.");

    if (!parsed.GetValue(reuse)) Train(forDiffusion, TimeSpan.FromMinutes(parsed.GetValue(minutes)), target, cancellation);
    using var model = DiffusionModel.Load(Path.Combine(target, "model"));
    var labels = Enumerable.Range(0, parsed.GetValue(count)).Select(i => (long)(i % 10)).ToArray();
    var watch = Stopwatch.StartNew();
    var samples = model.Sample(labels, seed: 1, parsed.GetValue(steps), parsed.GetValue(guidance), batchSize: 100, cancellationToken: cancellation);
    var asked = tensor(labels);
    Console.WriteLine($"{labels.Length:N0} samples, {parsed.GetValue(steps)} steps, guidance {parsed.GetValue(guidance)}: {labels.Length / watch.Elapsed.TotalSeconds:f1} a second.");

    var right = (classifier.Classify(samples) == asked).to(float64);
    Console.WriteLine($"Recognised as the digit asked for: {right.mean().item<double>():P2}. By digit: "
        + string.Join("  ", Enumerable.Range(0, 10).Select(digit => $"{digit} {right[asked == digit].mean().item<double>():P0}")));
    Console.WriteLine($"Variance within a class: {SampleStatistics.WithinClassVariance(samples, asked) / SampleStatistics.WithinClassVariance(real.Data, real.Labels!):f3} of real digits.");
    double Median(Tensor images) => SampleStatistics.NearestDistances(images, real.Data).median().item<float>();
    Console.WriteLine($"Distance to the nearest training digit, median: samples {Median(samples):f3}, held-out digits {Median(unseen.Data):f3}.");
    var features = classifier.FeaturesOf(real.Data);
    Console.WriteLine($"Fréchet distance to the training digits in the classifier's features: samples {FrechetDistance.Between(classifier.FeaturesOf(samples), features):f2}, "
        + $"held-out digits {FrechetDistance.Between(classifier.FeaturesOf(unseen.Data), features):f2}.");

    var names = Enumerable.Range(0, 10).Select(digit => $"{digit}  {right[asked == digit].mean().item<double>():P0}").ToArray();
    var rows = cat(Enumerable.Range(0, 10).Select(digit => samples[asked == digit][..16]).ToArray(), 0);
    ImageFile.Write(ImageGrid.Make(rows, 16, scale: 2, rowLabels: names), Path.Combine(target, "digits.png"));
    Console.WriteLine($"Contact sheet: {Path.Combine(target, "digits.png")}");
}

static Batch All(DataSet data) => data.Get([.. Enumerable.Range(0, (int)data.Count).Select(i => (long)i)]);

static void Train(DataSet data, TimeSpan duration, string target, CancellationToken cancellation)
{
    var (schedule, parameterization) = (new RectifiedFlowSchedule(), Parameterization.Velocity());
    manual_seed(1);
    using var network = new UNet(UNetPresets.ForImages(1, 28, 10), zeroInit: true);
    using var loader = new DataLoader(data, 32, new DataLoaderOptions { Seed = 1 });
    using var run = new TrainingRun(
        network,
        new DenoisingObjective(schedule, parameterization) { Times = TimeDistribution.LogitNormal().Stratified(), ConditionDropout = 0.1 },
        loader,
        new TrainingSettings
        {
            Update = UpdateRule.AdamW(2e-3),
            LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Duration = duration,
            Condition = TrainingSettings.ForClasses(10),
            ReportEvery = 200,
        });
    Console.WriteLine($"Diffusion: {network.parameters().Sum(p => p.numel()):N0} parameters, {data.Count:N0} digits, {duration.TotalMinutes:f0} minutes.");
    if (run.Train(new Lines(), cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("The training was stopped.");
    run.Averages[0].CopyTo(network);
    var description = new ModelDescription(schedule, parameterization, 1, 28, 28) { ClassNames = data.ClassNames ?? [], NullClass = 10, DataRange = 1 };
    using var model = new DiffusionModel(network, description);
    model.Save(Path.Combine(target, "model"));
}

// Told on the training thread, in order; System.Progress would hop to another.
internal sealed class Lines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => Console.WriteLine($"step {value.Step:N0}  loss {value.Loss:f4}  {value.SamplesPerSecond:f0} digits/s");
}
