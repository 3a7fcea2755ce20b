// Likelihood of real data, measured: trains a model of 5,000 handwritten digits, then says how many bits a pixel of unseen digits costs it: by the exact
// likelihood of its flow, by the variational bound in continuous time, and by the bound of ancestral sampling in a number of steps. Needs the 10,000 MNIST test digits as IDX files.
using System.CommandLine;
using System.Diagnostics;
using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Evaluation;
using Diffusion.Integration;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

const double LeastNoise = 1e-3; // an eighth of the width of a bin

var folder = new Argument<string>("data") { Description = "The folder of t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz.", DefaultValueFactory = _ => "../shared/data/mnist" };
var minutes = new Option<double>("--minutes") { Description = "Minutes of training.", DefaultValueFactory = _ => 10 };
var count = new Option<int>("--digits") { Description = "Unseen digits to evaluate, 2 to 5,000.", DefaultValueFactory = _ => 200 };
var steps = new Option<int>("--steps") { Description = "Steps of the ancestral bound.", DefaultValueFactory = _ => 250 };
var points = new Option<int>("--points") { Description = "Noise levels at which the continuous bound is looked at.", DefaultValueFactory = _ => 250 };
var tolerance = new Option<double>("--tolerance") { Description = "Relative and absolute tolerance of the flow.", DefaultValueFactory = _ => 1e-4 };
var output = new Option<string>("--out") { Description = "Where to write the model.", DefaultValueFactory = _ => "out/bits" };
var reuse = new Option<bool>("--reuse") { Description = "Evaluate the model that is in --out already." };
var root = new RootCommand("Trains on handwritten digits and measures bits per dimension of unseen ones.") { folder, minutes, count, steps, points, tolerance, output, reuse };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        Measure(parsed, cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or OperationCanceledException)
    {
        Console.Error.WriteLine($"BitsPerDimension: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

void Measure(ParseResult parsed, CancellationToken cancellation)
{
    if (parsed.GetValue(count) is < 2 or > 5000) throw new ArgumentException($"--digits is {parsed.GetValue(count)}; 2 to 5,000 are needed.");
    var target = parsed.GetValue(output)!;
    using var all = IdxDataSet.Open(Path.Combine(parsed.GetValue(folder)!, "t10k-images-idx3-ubyte.gz"), Path.Combine(parsed.GetValue(folder)!, "t10k-labels-idx1-ubyte.gz"));
    var parts = DataSplit.ByHash(all, 5000, parsed.GetValue(count));
    if (!parsed.GetValue(reuse)) Train(parts[0], TimeSpan.FromMinutes(parsed.GetValue(minutes)), target, cancellation);
    using var model = DiffusionModel.Load(Path.Combine(target, "model"));

    // One draw of the place in the bins for all: the three columns are of the same numbers.
    using var scope = NewDisposeScope();
    using var noise = NoiseSource.FromSeed(1);
    var unseen = parts[1].Get([.. Enumerable.Range(0, parsed.GetValue(count)).Select(i => (long)i)]).Data;
    var data = Quantization.Bytes.Dequantize(unseen, noise);
    var denoiser = model.Bind();
    var numbers = data.numel() / data.shape[0];
    var prior = NoisePrior.Drawn;
    Console.WriteLine($"{data.shape[0]:N0} unseen digits of {numbers} bytes, spread evenly over their bins; bits a pixel:");

    var (evaluations, exact) = (0, default(Tensor));
    var flow = new FlowLikelihood(new ErrorTolerance(parsed.GetValue(tolerance), parsed.GetValue(tolerance))) { LeastNoise = LeastNoise, Prior = prior };
    Show($"exact likelihood of the flow, tolerance {parsed.GetValue(tolerance):g2}", batch =>
    {
        var found = flow.Evaluate(denoiser, batch, noise, cancellationToken: cancellation);
        evaluations = Math.Max(evaluations, found.Evaluations);
        return found.LogDensity;
    });
    Console.WriteLine($"{"",4}at most {evaluations} evaluations, each with one derivative");
    var continuous = new ContinuousBound(parsed.GetValue(points)) { LeastNoise = LeastNoise, Prior = prior };
    Show($"variational bound in continuous time, {continuous.Points} levels", batch => continuous.Evaluate(denoiser, batch, noise, cancellationToken: cancellation).Total.neg());
    var grid = Even(model.Description.Schedule, parsed.GetValue(steps));
    Show($"variational bound of {grid.Count} ancestral steps", batch => new VariationalBound { Prior = prior }.Evaluate(denoiser, batch, grid, noise, cancellationToken: cancellation).Total.neg());

    void Show(string what, Func<Tensor, Tensor> logDensity)
    {
        var watch = Stopwatch.StartNew();
        var bits = new List<Tensor>();
        for (long first = 0; first < data.shape[0]; first += 50)
        {
            using var inner = NewDisposeScope();
            var batch = data[(int)first..(int)Math.Min(first + 50, data.shape[0])];
            bits.Add(Quantization.Bytes.BitsPerDimension(logDensity(batch), numbers).MoveToOuterDisposeScope());
        }

        var every = cat(bits, 0);
        // Digit by digit, which is far more exact than the means themselves.
        var more = exact is null ? "" : $", {Mean(every - exact)} above the flow";
        exact ??= every;
        Console.WriteLine($"  {Mean(every)}  {what}{more}  ({watch.Elapsed.TotalSeconds:f0} s)");
    }

    static string Mean(Tensor values) => $"{values.mean().item<double>():f3} ± {values.std().item<double>() / Math.Sqrt(values.shape[0]):f3}";
}

// Steps of equal change of log-SNR, from the noisy end to the least noise, where the decoder of the continuous bound takes over.
static TimeGrid Even(NoiseSchedule schedule, int steps)
{
    var (from, to) = (schedule.At(1), schedule.AtNoiseToSignal(LeastNoise));
    NoisePoint At(int i) => i == 0 ? from : schedule.AtLogSnr(from.LogSnr + (to.LogSnr - from.LogSnr) * i / steps);
    return TimeGrid.FromPoints(schedule, [.. Enumerable.Range(0, steps).Select(At)], to);
}

static void Train(DataSet data, TimeSpan duration, string target, CancellationToken cancellation)
{
    var schedule = new VariancePreservingSchedule();
    var parameterization = Parameterization.Edm(0.6, NoiseLabel.LogSigma);
    manual_seed(1);
    using var network = new UNet(UNetPresets.ForImages(1, 28), zeroInit: true);
    using var loader = new DataLoader(data, 32, new DataLoaderOptions { Seed = 1, Transforms = [new Dequantization(Quantization.Bytes)] });
    // Even in log-SNR with the error of the noise: up to a factor the bound itself, with the least varying weights.
    var (most, least) = (schedule.AtNoiseToSignal(LeastNoise).LogSnr, schedule.At(1).LogSnr);
    using var run = new TrainingRun(
        network,
        new DenoisingObjective(schedule, parameterization)
        {
            Times = TimeDistribution.Of(u => schedule.TimeAtLogSnr(most + (least - most) * u)).Stratified(),
            Weighting = LossWeighting.Snr,
        },
        loader,
        new TrainingSettings
        {
            Update = UpdateRule.AdamW(2e-3),
            LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Duration = duration,
            ReportEvery = 200,
        });
    Console.WriteLine($"{network.parameters().Sum(p => p.numel()):N0} parameters, {data.Count:N0} digits, {duration.TotalMinutes:f0} minutes.");
    if (run.Train(new Lines(), cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("The training was stopped.");
    run.Averages[0].CopyTo(network);
    using var model = new DiffusionModel(network, new ModelDescription(schedule, parameterization, 1, 28, 28)); // without a range: a clamped estimate has another density
    model.Save(Path.Combine(target, "model"));
}

// Told on the training thread, in order; System.Progress would hop to another.
internal sealed class Lines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => Console.WriteLine($"step {value.Step:N0}  loss {value.Loss:f4}  {value.SamplesPerSecond:f0} digits/s");
}
