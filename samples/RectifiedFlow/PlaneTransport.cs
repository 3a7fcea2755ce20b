using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Integration;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

namespace RectifiedFlow;

/// <summary>Eight Gaussians to two moons: 1-rectified flow between the two sets, then reflow, all on the disk and resumable.</summary>
internal sealed class PlaneTransport
{
    private static readonly RectifiedFlowSchedule Flow = new();

    public required string Folder { get; init; }

    public double Seconds { get; init; }

    public int Rounds { get; init; }

    public void Run(CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var draws = NoiseSource.FromSeed(1);
        using var moons = new TensorDataSet(PlanarPoints.TwoMoons(20_000, draws));
        using var gaussians = new TensorDataSet(PlanarPoints.EightGaussians(20_000, draws));
        using var pairs = PairedDataSet.AllPairs(moons, gaussians);

        // Independent pairs: paths that cross, which a flow cannot, so that it turns where they meet.
        manual_seed(1);
        using var network = new Mlp(2, 128, 3);
        var first = Path.Combine(Folder, "round-0");
        Train(network, pairs, Path.Combine(first, "training"), cancellation);
        StateDict.Save(network, Path.Combine(first, "weights.safetensors"));

        var reflow = new ReflowRun(network, Flow, Parameterization.Velocity(), [2], new ReflowSettings(Folder, Settings) { Rounds = Rounds, Pairs = gaussians.Count, Starts = gaussians, BatchSize = 256, Steps = 20 });
        if (reflow.Run(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped; the same command goes on from here.");

        Console.WriteLine("Energy distance to the moons after so many Euler steps (two sets of moons: about 0.001).");
        Console.WriteLine("| reflows | straightness | transport cost | 1 step | 2 steps | 4 steps | 50 steps |\n| --- | --- | --- | --- | --- | --- | --- |");
        var (start, goal) = (PlanarPoints.EightGaussians(3000, draws), PlanarPoints.TwoMoons(3000, draws));
        foreach (var (round, geometry) in reflow.Rounds)
        {
            using (var weights = SafetensorsFile.Open(Path.Combine(Folder, $"round-{round}", "weights.safetensors"))) StateDict.LoadInto(network, weights);
            var distances = new[] { 1, 2, 4, 50 }.Select(steps => EnergyDistance.Between(Walk(network, start, steps, null), goal).ToString("f4"));
            Console.WriteLine($"| {round} | {geometry.Straightness:f3} | {geometry.TransportCost:f3} | {string.Join(" | ", distances)} |");
            var places = new List<float[]>();
            Walk(network, start[..400], 50, places);
            Draw(places, round, Path.Combine(Folder, $"transport-{round}.png"));
        }

        Console.WriteLine($"Paths: {Path.Combine(Folder, "transport-0.png")} and on.");
    }

    private void Train(Mlp network, DataSet pairs, string checkpoints, CancellationToken cancellation)
    {
        using var loader = new DataLoader(pairs, 256, new DataLoaderOptions { Seed = 1 });
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Coupling = Coupling.Paired, Times = TimeDistribution.Uniform().Stratified() };
        using var run = new TrainingRun(network, objective, loader, Settings(checkpoints));
        run.Resume();
        if (run.Train(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped; the same command goes on from here.");
        Console.WriteLine($"{run.Step:N0} steps of training on independent pairs.");
        run.Averages[0].CopyTo(network);
    }

    private TrainingSettings Settings(string checkpoints) => new()
    {
        Duration = TimeSpan.FromSeconds(Seconds),
        Update = UpdateRule.AdamW(2e-3),
        LearningRate = LearningRateSchedule.Cosine(0.02),
        CheckpointFolder = checkpoints,
    };

    // Euler's method; the places on the way, the start first, if they are wanted.
    private static Tensor Walk(Mlp network, Tensor start, int steps, List<float[]>? places)
    {
        places?.Add(start.data<float>().ToArray());
        var hooks = new SamplingHooks { OnStep = (_, x, _) => places?.Add(x.data<float>().ToArray()) };
        using var none = NoiseSource.FromSeed(0);
        var denoiser = new NetworkDenoiser(network, Flow, Parameterization.Velocity());
        return new FlowRungeKuttaSampler(RungeKutta.Euler).Sample(denoiser, start, TimeGrid.Uniform(Flow, steps), none, hooks);
    }

    private static void Draw(List<float[]> places, int round, string path)
    {
        var chart = new LineChart { Title = round == 0 ? "Rectified flow" : round == 1 ? "After one reflow" : $"After {round} reflows", Width = 640, Height = 640 };
        double[] Axis(float[] state, int axis) => [.. state.Where((_, i) => i % 2 == axis).Select(v => (double)v)];
        for (var k = 0; k < 160; k++) chart.Add("", [.. places.Select(p => (double)p[2 * k])], [.. places.Select(p => (double)p[2 * k + 1])], LineStyle.Faint);
        chart.Add("eight Gaussians", Axis(places[0], 0), Axis(places[0], 1), LineStyle.Points);
        chart.Add("where they arrive", Axis(places[^1], 0), Axis(places[^1], 1), LineStyle.Points);
        chart.Write(path);
    }
}
