// A network trained by the loss of DDPM is a score model, and a score model is sampled as DDPM, with no retraining. Trains one of each on six Gaussians in the plane, a minute
// a network on two cores, and samples both by the methods of both. Prints how far the samples are from the data, and draws them.
using System.CommandLine;
using System.Globalization;
using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Imaging;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var minutes = new Option<double>("--minutes") { Description = "Minutes of training for each network.", DefaultValueFactory = _ => 1 };
var steps = new Option<int?>("--steps") { Description = "Steps of training for each network; fewer than the minutes allow." };
var count = new Option<int>("--samples") { Description = "Samples of each method.", DefaultValueFactory = _ => 2000 };
var output = new Option<string>("--out") { Description = "Where to write the picture.", DefaultValueFactory = _ => "out/equivalence" };
var root = new RootCommand("Trains a DDPM and a score model and samples each as the other.") { minutes, steps, count, output };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        var folder = Directory.CreateDirectory(parsed.GetValue(output)!).FullName;
        Run(TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(steps), parsed.GetValue(count), Path.Combine(folder, "equivalence.png"), cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidOperationException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Equivalence: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

static void Run(TimeSpan duration, int? steps, int count, string path, CancellationToken cancellation)
{
    ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
    using var scope = NewDisposeScope();
    using var noise = NoiseSource.FromSeed(1);
    var means = new double[6, 2];
    for (var k = 0; k < 6; k++) (means[k, 0], means[k, 1]) = (Math.Cos(k * Math.PI / 3), Math.Sin(k * Math.PI / 3));
    var ring = GaussianMixture.Uniform(means, 0.14);
    using var data = new TensorDataSet(ring.Sample(100_000, noise));

    // DDPM: a discrete schedule, the network predicts the noise and is told the timestep. (Ho et al. 2020)
    var (discrete, epsilon) = (new DiscreteSchedule(BetaSchedule.Linear()), Parameterization.Epsilon(NoiseLabel.Timestep(1000)));
    using var ddpmNetwork = new Mlp(2);
    Train(ddpmNetwork, new DenoisingObjective(discrete, epsilon) { Times = TimeDistribution.Timesteps(1000) });
    var ddpm = new NetworkDenoiser(ddpmNetwork, discrete, epsilon);

    // Noise-conditional score matching: a ladder of noises without end, weighted with the noise. (Song and Ermon 2019, 2020)
    var (ladder, scaled) = (new VarianceExplodingSchedule(0.01, 160), Parameterization.Normalized(Parameterization.Epsilon()));
    using var scoreNetwork = new Mlp(2);
    Train(scoreNetwork, new DenoisingObjective(ladder, scaled) { Weighting = LossWeighting.Snr, Times = TimeDistribution.Ladder(232) });
    var score = new NetworkDenoiser(scoreNetwork, ladder, scaled);

    // The levels that both networks know, as steps of either process. A RescheduledDenoiser shows each the states that it was trained on.
    var (exploding, preserving) = (new VarianceExplodingSchedule(0.0105, 150), new VariancePreservingSchedule());
    var times = TimeGrid.FromTimes(preserving, [.. Enumerable.Range(0, 300).Select(i => Math.Pow(1 - 0.965 * i / 299, 2))]);
    (string Name, NoiseSchedule Schedule, Sampler Sampler, TimeGrid Grid)[] methods =
    [
        ("DDPM, 500 steps", discrete, new DdpmSampler(), discrete.Grid(500, TimestepSpacing.Linspace).Skip(1)),
        ("DDIM, 50 steps", discrete, new DdimSampler(), discrete.Grid(50, TimestepSpacing.Linspace).Skip(1)),
        ("VP reverse SDE", preserving, new EulerMaruyamaSampler(), times),
        ("VE flow ODE, adaptive", exploding, new AdaptiveFlowSampler(), TimeGrid.FromTimes(exploding, [1, 0])),
        ("VE predictor-corrector", exploding, new PredictorCorrectorSampler(), TimeGrid.Uniform(exploding, 300)),
        ("Annealed Langevin", exploding, new AnnealedLangevinSampler(10, 1e-5), TimeGrid.Uniform(exploding, 100)),
    ];
    var real = ring.Sample(count, noise);
    var charts = new[] { new List<Tensor>(), new List<Tensor>() };
    Console.WriteLine($"Energy distance of {count:N0} samples to as many data points; of two sets of data points: {Distance(ring.Sample(count, noise), real):f4}");
    Console.WriteLine($"{"",-24} {"DDPM network",12} {"score network",14}");
    foreach (var (name, schedule, sampler, grid) in methods)
    {
        double Draw(IDenoiser model, string kind, int row)
        {
            var samples = sampler.Sample(new RescheduledDenoiser(model, schedule), noise.Next([count, 2], float32, CPU) * grid.Start.Sigma, grid, noise, cancellationToken: cancellation);
            var chart = new PlaneChart(-1.6, 1.6, -1.6, 1.6) { Title = $"{kind}: {name}", Width = 330, Height = 340 };
            chart.AddPoints(samples, colour: row);
            charts[row].Add(chart.Render());
            return Distance(samples, real);
        }

        Console.WriteLine($"{name,-24} {Draw(ddpm, "DDPM network", 0),12:f4} {Draw(score, "Score network", 1),14:f4}");
    }

    ImageFile.Write(ImageGrid.Make(stack([.. charts[0], .. charts[1]]), columns: methods.Length, padding: 6), path);
    Console.WriteLine($"Picture: {path}");

    void Train(Mlp network, DenoisingObjective objective)
    {
        using var loader = new DataLoader(data, batchSize: 512);
        using var run = new TrainingRun(network, objective, loader, new TrainingSettings
        {
            Update = UpdateRule.AdamW(3e-3),
            LearningRate = LearningRateSchedule.Cosine().WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Duration = duration,
            Steps = steps,
        });
        if (run.Train(cancellationToken: cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("The training was stopped.");
        run.Averages[0].CopyTo(network);
        network.eval();
        Console.WriteLine($"{objective.Parameterization} on {objective.Schedule.GetType().Name}: {run.Step:N0} steps.");
    }
}

// 2·E|a − b| − E|a − a'| − E|b − b'|: 0 where the distributions are the same. (Szekely and Rizzo 2013)
static double Distance(Tensor a, Tensor b)
{
    using var scope = NewDisposeScope();
    var (x, y, n, m) = (a.to(float64), b.to(float64), (double)a.shape[0], (double)b.shape[0]);
    return 2 * cdist(x, y).mean().item<double>() - cdist(x, x).sum().item<double>() / (n * (n - 1)) - cdist(y, y).sum().item<double>() / (m * (m - 1));
}
