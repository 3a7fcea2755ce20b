// The first model: points in the plane, from nothing to a picture. Everything that a larger model needs is here too: data, schedule, network, training, sampling, a measurement.
using System.CommandLine;
using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using FirstModel;
using TorchSharp;

var steps = new Option<long>("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => 4000 };
steps.Validators.Add(given => { if (given.GetValueOrDefault<long>() < 1) given.AddError("--steps must be at least 1."); });
var output = new Option<FileInfo>("--out") { Description = "The picture to write: .png, .jpg or .webp.", DefaultValueFactory = _ => new FileInfo("out/first-model.png") };
var root = new RootCommand("Learns two moons in the plane, draws new points of them and says how far they are from the moons: half a minute on two cores.") { steps, output };
root.SetAction(parsed => Run(parsed.GetValue(steps), parsed.GetValue(output)!));
return root.Parse(args).Invoke();

static void Run(long steps, FileInfo picture)
{
    using var scope = torch.NewDisposeScope(); // every tensor that is made from here on is freed at the end
    using var draws = NoiseSource.FromSeed(1);
    var moons = PlanarPoints.TwoMoons(20_000, draws);

    // Straight paths from data to noise; the network learns the velocity along them.
    var (schedule, velocity) = (new RectifiedFlowSchedule(), Parameterization.Velocity());
    torch.manual_seed(1);
    using var network = new Mlp(dimensions: 2);

    using var data = new TensorDataSet(moons);
    using var loader = new DataLoader(data, batchSize: 256);
    var settings = new TrainingSettings { Steps = steps, Update = UpdateRule.AdamW(2e-3), LearningRate = LearningRateSchedule.Cosine(0.02), ReportEvery = 50 };
    using var run = new TrainingRun(network, new DenoisingObjective(schedule, velocity), loader, settings);
    var losses = new LossCurve();
    run.Train(losses);
    run.Averages[0].CopyTo(network); // the average of the weights samples better than the last ones

    // From noise to data along the learned velocity.
    var model = new NetworkDenoiser(network, schedule, velocity);
    var noise = schedule.DrawPrior([3000, 2], draws);
    var samples = new DdimSampler().Sample(model, noise, TimeGrid.Uniform(schedule, 50), draws);

    var (unseen, others) = (PlanarPoints.TwoMoons(3000, draws), PlanarPoints.TwoMoons(3000, draws));
    Console.WriteLine($"Energy distance to unseen points of the moons: noise {EnergyDistance.Between(noise, unseen):f4}, samples {EnergyDistance.Between(samples, unseen):f4}, "
        + $"other points of the moons {EnergyDistance.Between(others, unseen):f4}.");

    picture.Directory!.Create();
    ImageFile.Write(ImageGrid.Make(torch.stack([losses.Draw(), Panel("Data", unseen, 0), Panel("Samples", samples, 1)]), columns: 3), picture.FullName);
    Console.WriteLine($"Picture: {picture.FullName}");
}

static torch.Tensor Panel(string title, torch.Tensor points, int colour)
{
    var chart = new PlaneChart(-3, 3, -3, 3) { Title = title };
    chart.AddPoints(points, colour);
    return chart.Render();
}
