using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Dynamics;
using Diffusion.Evaluation;
using Diffusion.Integration;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

namespace RectifiedFlow;

/// <summary>The transport of the plane by every coupling and interpolant: each must bring its samples within an energy distance of the moons.</summary>
internal static class CouplingTable
{
    private const double Within = 0.02;
    private static readonly RectifiedFlowSchedule Line = new();

    public static void Run(long steps, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var draws = NoiseSource.FromSeed(1);
        using var moons = new TensorDataSet(PlanarPoints.TwoMoons(20_000, draws));
        using var gaussians = new TensorDataSet(PlanarPoints.EightGaussians(20_000, draws));
        using var pairs = PairedDataSet.AllPairs(moons, gaussians);
        var (start, noise, goal) = (PlanarPoints.EightGaussians(3000, draws), draws.Next([3000, 2], ScalarType.Float32, CPU), PlanarPoints.TwoMoons(3000, draws));
        var failures = new List<string>();
        Console.WriteLine($"Energy distance to the moons, {steps:N0} steps of training each; within {Within} is asked for. The eight Gaussians are {EnergyDistance.Between(start, goal):f3} away.");
        Console.WriteLine("| transport | energy distance | straightness | cost |\n| --- | --- | --- | --- |");

        Between("independent pairs", Denoising(Line, Coupling.Paired));
        Between("minibatch optimal transport", Denoising(Line, new OptimalTransportCoupling(Coupling.Paired)));
        Between("entropic transport, ε = 0.1", Denoising(Line, new EntropicTransportCoupling(0.1, Coupling.Paired)));
        Between("trigonometric path", Denoising(new TrigonometricSchedule(), Coupling.Paired));
        Between("flow matching with σ = 0.1", new InterpolantObjective(Line, LatentNoise.Constant(0.1)) { Coupling = Coupling.Paired, Times = TimeDistribution.Uniform().Stratified() });
        var (bridge, ends) = (EntropicTransportCoupling.SchrodingerBridge(0.5, Coupling.Paired), TimeDistribution.Uniform(0.005, 0.995).Stratified());
        Between("Schrödinger bridge, σ = 0.5", new InterpolantObjective(Line, LatentNoise.BrownianBridge(0.5)) { Coupling = bridge, Times = ends });
        Between("α-deblending, 128 Euler steps", Denoising(Line, Coupling.Paired), new FlowRungeKuttaSampler(RungeKutta.Euler), 128);
        Noisy("interpolant with γ = 0.5·sin²πt, drift and noise, simulated with h = 0.5");
        FromNoise("noise to data, independent", Line, Coupling.Independent, new FlowRungeKuttaSampler(RungeKutta.Heun));
        FromNoise("noise to data, optimal transport", Line, new OptimalTransportCoupling(), new FlowRungeKuttaSampler(RungeKutta.Heun));
        FromNoise("noise to data, variance-preserving path", new VariancePreservingSchedule(), Coupling.Independent, new FlowRungeKuttaSampler(RungeKutta.Heun, FlowVariable.Angle));
        FromNoise("noise to data, the flow's equation with noise", Line, Coupling.Independent, new FlowSdeSampler(FlowDiffusion.Sigma()), 250);
        if (failures.Count > 0) throw new InvalidOperationException($"Not within {Within}: {string.Join("; ", failures)}. Train longer (--steps).");

        DenoisingObjective Denoising(NoiseSchedule path, Coupling coupling) => new(path, Parameterization.Velocity()) { Coupling = coupling, Times = TimeDistribution.Uniform().Stratified() };

        void Between(string name, TrainingObjective objective, Sampler? sampler = null, int walk = 40)
        {
            manual_seed(1);
            using var network = new Mlp(2, 128, 3);
            Train(network, objective, pairs);
            var path = objective is DenoisingObjective denoising ? denoising.Schedule : ((InterpolantObjective)objective).Path;
            Tell(name, new NetworkDenoiser(network, path, Parameterization.Velocity()), sampler ?? new FlowRungeKuttaSampler(RungeKutta.Heun), start, walk);
        }

        void FromNoise(string name, NoiseSchedule schedule, Coupling coupling, Sampler sampler, int walk = 40)
        {
            manual_seed(1);
            using var network = new Mlp(2, 128, 3);
            // Near clean data the slope of a variance-preserving path is infinite, and v is its velocity without that.
            Train(network, new DenoisingObjective(schedule, Parameterization.V()) { Coupling = coupling, Times = TimeDistribution.Uniform().Stratified() }, moons);
            Tell(name, new NetworkDenoiser(network, schedule, Parameterization.V()), sampler, noise, walk);
        }

        void Noisy(string name)
        {
            manual_seed(1);
            var latent = LatentNoise.SineSquared(0.5);
            using var network = new TwoHeads(new Mlp(2, 128, 3), new Mlp(2, 128, 3));
            Train(network, new InterpolantObjective(Line, latent, InterpolantTarget.DriftAndNoise) { Coupling = Coupling.Paired, Times = TimeDistribution.Uniform().Stratified() }, pairs);
            var model = new InterpolantDenoiser(network, Line, latent, InterpolantTarget.DriftAndNoise);
            // h = 0 at the ends, where γ is, and in proportion to it.
            double Squared(double t) => Math.Pow(Math.Sin(Math.PI * t), 2) * 0.25;
            var process = new ItoProcess((x, tau) => model.Reverse(x, 1 - tau, Squared(1 - tau)), (x, tau) => full(1, Math.Sqrt(Squared(1 - tau)), x.dtype));
            var end = process.Simulate(start, [.. Enumerable.Range(0, 201).Select(i => i / 200.0)], draws, cancellationToken: cancellation);
            Row(name, EnergyDistance.Between(end, goal), null);
        }

        void Tell(string name, IDenoiser denoiser, Sampler sampler, Tensor from, int walk)
        {
            using var random = NoiseSource.FromSeed(2);
            var end = sampler.Sample(denoiser, from, TimeGrid.Uniform(denoiser.Schedule, walk), random, cancellationToken: cancellation);
            Row(name, EnergyDistance.Between(end, goal), sampler is FlowSdeSampler ? null : FlowGeometry.Measure(denoiser, from, sampler, Math.Max(walk, 40), cancellation));
        }

        void Row(string name, double distance, FlowGeometry? geometry)
        {
            Console.WriteLine($"| {name} | {distance:f4} | {geometry?.Straightness:f3} | {geometry?.TransportCost:f3} |");
            if (!(distance <= Within)) failures.Add(name);
        }

        void Train(DenoisingNetwork network, TrainingObjective objective, DataSet data)
        {
            using var loader = new DataLoader(data, 256, new DataLoaderOptions { Seed = 1 });
            using var run = new TrainingRun(network, objective, loader, new TrainingSettings { Steps = steps, Update = UpdateRule.AdamW(2e-3), LearningRate = LearningRateSchedule.Cosine(0.02) });
            if (run.Train(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped.");
            run.Averages[0].CopyTo(network);
        }
    }

    /// <summary>Two networks whose outputs are joined: drift and noise.</summary>
    private sealed class TwoHeads : DenoisingNetwork
    {
        private readonly Mlp drift;
        private readonly Mlp noise;

        public TwoHeads(Mlp drift, Mlp noise) : base(nameof(TwoHeads))
        {
            (this.drift, this.noise) = (drift, noise);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            return cat([drift.call(input1, input2, input3), noise.call(input1, input2, input3)], 1).MoveToOuterDisposeScope();
        }
    }
}
