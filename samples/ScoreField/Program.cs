// Learns the score of a mixture of Gaussians in the plane, and shows what was learned beside the truth: the likelihood of 10,000 held-out points beside the
// entropy, the score field, the paths of the reverse equation and of the flow, and the density. Five minutes on two cores.
using System.CommandLine;
using System.Globalization;
using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;
using ScoreField;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var minutes = new Option<double>("--minutes") { Description = "Minutes of training.", DefaultValueFactory = _ => 5 };
var steps = new Option<int?>("--steps") { Description = "Steps of training; fewer than the minutes allow." };
var count = new Option<int>("--points") { Description = "Held-out points whose likelihood is measured.", DefaultValueFactory = _ => 10_000 };
var cells = new Option<int>("--cells") { Description = "Cells a side of the density pictures.", DefaultValueFactory = _ => 110 };
var output = new Option<string>("--out") { Description = "Where to write the pictures.", DefaultValueFactory = _ => "out/scorefield" };
var root = new RootCommand("Learns the score of a mixture in the plane and draws it.") { minutes, steps, count, cells, output };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        Run(parsed, cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidOperationException or OperationCanceledException)
    {
        Console.Error.WriteLine($"ScoreField: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

void Run(ParseResult parsed, CancellationToken cancellation)
{
    if (parsed.GetValue(count) < 2) throw new ArgumentException("--points must be at least 2, so that there is a standard error.");
    if (parsed.GetValue(cells) < 2) throw new ArgumentException("--cells must be at least 2.");
    var folder = Directory.CreateDirectory(parsed.GetValue(output)!).FullName;
    using var scope = NewDisposeScope();
    using var noise = NoiseSource.FromSeed(1);
    var (schedule, parameterization) = (new VariancePreservingSchedule(), Parameterization.V());
    manual_seed(1);
    using var network = new Mlp(dimensions: 2, width: 128, depth: 3);
    using var data = new TensorDataSet(Spiral.Distribution.Sample(1_000_000, noise));
    using var loader = new DataLoader(data, batchSize: 512);
    // Most of the attention where the noise is of the size of the gaps between the Gaussians, a little everywhere.
    var objective = new DenoisingObjective(schedule, parameterization) { Times = TimeDistribution.LogNormal(-0.9, 1.5).Stratified() };
    using var run = new TrainingRun(network, objective, loader, new TrainingSettings
    {
        Update = UpdateRule.AdamW(2e-3, weightDecay: 0),
        LearningRate = LearningRateSchedule.Cosine().WithWarmUp(100),
        Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
        Duration = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
        Steps = parsed.GetValue(steps),
        ReportEvery = 2000,
    });
    if (run.Train(new Lines(), cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("The training was stopped.");
    run.Averages[0].CopyTo(network);
    network.eval();
    var model = new NetworkDenoiser(network, schedule, parameterization);

    var heldOut = Spiral.Distribution.Sample(parsed.GetValue(count), noise);
    var likelihood = new FlowLikelihood { Divergence = Divergence.Exact, LeastNoise = 3e-3 };
    var (learned, learnedError) = Mean(-likelihood.Evaluate(model, heldOut, noise, cancellationToken: cancellation).LogDensity);
    var (exact, exactError) = Mean(-Spiral.Distribution.LogDensity(heldOut, NoiseLevel.Of(1, 0)));
    Console.WriteLine($"{run.Step:N0} steps. Mean negative log-likelihood of {heldOut.shape[0]:N0} held-out points, in nats:");
    Console.WriteLine($"  the model's    {learned:f4} +- {learnedError:f4} (standard error)");
    Console.WriteLine($"  the mixture's  {exact:f4} +- {exactError:f4}, the same points");
    Console.WriteLine($"  its entropy    {Spiral.Entropy():f4}");
    var pictures = new Pictures(model, heldOut, parsed.GetValue(cells));
    pictures.Field(Path.Combine(folder, "field.png"));
    pictures.Trajectories(Path.Combine(folder, "paths.png"));
    pictures.Density(likelihood, Path.Combine(folder, "density.png"));
}

static (double Mean, double StandardError) Mean(Tensor values) => (values.mean().item<double>(), values.std().item<double>() / Math.Sqrt(values.shape[0]));

// Told on the training thread, in order; System.Progress would hop to another.
internal sealed class Lines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => Console.WriteLine($"step {value.Step:N0}  loss {value.Loss:f4}  {value.SamplesPerSecond:f0} points/s");
}
