using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Training;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>What is known in closed form of rectified flow between N(m, s²) data and standard normal noise.</summary>
public class FlowClosedFormTests
{
    private static readonly RectifiedFlowSchedule Flow = new();

    // Standard normal numbers without statistical error: quantiles, scaled to mean 0 and variance 1 exactly.
    private static Tensor Normals(int count = 2001)
    {
        using var scope = NewDisposeScope();
        var x = tensor(Enumerable.Range(0, count).Select(i => NormalDistribution.Quantile((i + 0.5) / count)).ToArray()).unsqueeze(1);
        return (x / x.square().mean().sqrt()).MoveToOuterDisposeScope();
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2)]
    public void TheFloorOfTheLossIsHalfPiTimesTheDeviation(double s)
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Times = TimeDistribution.Uniform().Stratified() };
        using var network = new ExactGaussianNetwork(Parameterization.Velocity(), label => Flow.At(label / 1000), 0.3, s);
        using var noise = NoiseSource.FromSeed(6);
        var loss = objective.Loss(network, noise.Next([2000, 500], ScalarType.Float32, CPU).mul_(s).add_(0.3), null, noise).item<float>();
        Assert.Equal(Math.PI * s / 2, loss, 0.008 * Math.PI * s / 2); // 10⁶ squares: 0.2 % and four of them
    }

    // The conditional loss is the marginal one plus a constant: what a network that answers 0 pays above the floor is E‖u‖² = 2 − π/2 for s = 1. (Lipman et al. 2022, theorem 2)
    [Fact]
    public void AboveTheFloorTheLossIsTheDistanceToTheVelocity()
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Times = TimeDistribution.Uniform().Stratified() };
        double Loss(DenoisingNetwork network)
        {
            using var noise = NoiseSource.FromSeed(7);
            return objective.Loss(network, noise.Next([2000, 500], ScalarType.Float32, CPU), null, noise).item<float>();
        }

        using var exact = new ExactGaussianNetwork(Parameterization.Velocity(), label => Flow.At(label / 1000), 0, 1);
        using var silent = new ScaleNetwork(0, 0, ScalarType.Float32);
        Assert.Equal(2 - Math.PI / 2, Loss(silent) - Loss(exact), 0.01);
    }

    [Theory]
    [InlineData(0.3, 0.5)]
    [InlineData(-1, 2)]
    public void TheFlowMapsNoiseLinearly(double m, double s)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var (x1, denoiser) = (Normals(21), new GaussianDenoiser(Flow, m, s));
        var grid = TimeGrid.Uniform(Flow, 200).EndingAt(Flow.At(1e-7));
        foreach (var sampler in new Sampler[] { new FlowRungeKuttaSampler(RungeKutta.Classical), new AdaptiveFlowSampler(tolerance: new ErrorTolerance(1e-10, 1e-10), variable: FlowVariable.Time) })
        {
            var end = sampler.Sample(denoiser, x1, grid, noise);
            Assert.True((end - (m + s * x1)).abs().max().item<double>() < 1e-6); // of which 10⁻⁷ is the end of the grid
        }
    }

    [Theory]
    [InlineData(0.5, new[] { 0, 0.2, 0.34054054, 0.41478455, 0.45568309, 0.47736357, 0.48855529, 0.49424510 })]
    [InlineData(1, new[] { 0, 0.5, 0.72, 0.85082176, 0.92270422, 0.96061428, 0.98011433, 0.99000787 })]
    public void EulersMethodLeavesItsKnownSpread(double s, double[] deviations)
    {
        for (var k = 0; k < deviations.Length; k++)
        {
            var (mean, variance) = MomentPropagation.Of(new FlowRungeKuttaSampler(RungeKutta.Euler), new GaussianDenoiser(Flow, 0.3, s), TimeGrid.Uniform(Flow, 1 << k), 0, 1);
            Assert.Equal(0.3, mean, 1e-12); // and one step leaves nothing but the mean
            Assert.Equal(deviations[k], Math.Sqrt(variance), 1e-8);
        }
    }

    [Theory]
    [InlineData(0.5, new[] { 0.48, 0.50483470, 0.50244143, 0.50076381, 0.50021000, 0.50005487, 0.50001401 })]
    [InlineData(1, new[] { 0.9375, 0.99, 0.99870610, 0.99983696, 0.99997958, 0.99999745, 0.99999968 })]
    public void HeunsMethodLeavesItsKnownSpread(double s, double[] deviations)
    {
        for (var k = 0; k < deviations.Length; k++)
        {
            var grid = TimeGrid.Uniform(Flow, 2 << k).EndingAt(Flow.At(1e-6)); // so that the last step has its second evaluation
            var (_, variance) = MomentPropagation.Of(new FlowRungeKuttaSampler(RungeKutta.Heun), new GaussianDenoiser(Flow, 0, s), grid, 0, 1);
            Assert.Equal(deviations[k], Math.Sqrt(variance), 2e-6); // the end of the grid
        }
    }

    [Theory]
    [InlineData(0.5, 0.21460184)]
    [InlineData(1, 0.42920367)]
    [InlineData(2, 0.85840735)]
    public void StraightnessAndCostHaveTheirClosedForms(double s, double straightness)
    {
        using var scope = NewDisposeScope();
        var geometry = FlowGeometry.Measure(new GaussianDenoiser(Flow, 0.3, s), Normals(), new FlowRungeKuttaSampler(RungeKutta.Classical), 200);
        Assert.Equal(s * (2 - Math.PI / 2), straightness, 1e-8);
        Assert.Equal(straightness, geometry.Straightness, 1e-4); // second order in steps of 1/200
        Assert.Equal((s - 1) * (s - 1) + 0.09, geometry.TransportCost, 1e-4); // W₂² of the two: the flow of a Gaussian is optimal
    }

    // After one reflow x₀ = m + s·x₁ on straight lines: no loss, no curvature, one step exact, and a cost fallen from m² + s² + 1 to (s − 1)² + m².
    [Fact]
    public void OneReflowMakesOneStepExact()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var (x1, reflowed) = (Normals(), new StraightGaussian(0.3, 0.5));
        var x0 = 0.3 + 0.5 * x1;
        var one = new FlowRungeKuttaSampler(RungeKutta.Euler).Sample(reflowed, x1, TimeGrid.Uniform(Flow, 1), noise);
        Assert.True((one - x0).abs().max().item<double>() < 1e-12);
        var geometry = FlowGeometry.Measure(reflowed, x1, new FlowRungeKuttaSampler(RungeKutta.Euler), 10);
        Assert.Equal(0, geometry.Straightness, 1e-12);
        Assert.Equal(0.34, geometry.TransportCost, 1e-12);
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Coupling = Coupling.Paired };
        using var network = new StraightNetwork(reflowed);
        Assert.Equal(0, objective.Loss(network, stack([x0, x1], 1), null, noise).item<double>(), 1e-20);
    }

    // 249 steps of equal length from t = 1 to 0.04 and a mean step to the data, variances of N(0, 1) and N(0, ¼).
    [Theory]
    [InlineData("sigma", 0.990505, 0.244375)]
    [InlineData("constant", 0.915125, 0.173362)]
    [InlineData("increasing-decreasing", 0.993705, 0.247153)]
    public void TheEquationWithNoiseHasItsRecordedMoments(string name, double unit, double quarter)
    {
        var grid = TimeGrid.FromTimes(Flow, [.. Enumerable.Range(0, 250).Select(i => 1 - 0.96 * i / 249)]);
        foreach (var (s, variance) in new[] { (1, unit), (0.5, quarter) })
            Assert.Equal(variance, MomentPropagation.Of(new FlowSdeSampler(Diffusion(name), endsAtMean: true), new GaussianDenoiser(Flow, 0, s), grid, 0, 1).Variance, 1.5e-6);
    }

    [Theory]
    [InlineData("sigma")]
    [InlineData("constant")]
    [InlineData("linear")]
    [InlineData("decreasing")]
    [InlineData("increasing-decreasing")]
    [InlineData("own")]
    public void EveryDiffusionKeepsTheMarginals(string name)
    {
        double Error(int steps)
        {
            var grid = TimeGrid.FromTimes(Flow, [.. Enumerable.Range(0, steps).Select(i => 1 - 0.9 * i / steps)], Flow.At(0.1));
            var (mean, variance) = MomentPropagation.Of(new FlowSdeSampler(Diffusion(name)), new GaussianDenoiser(Flow, 0.3, 0.5), grid, 0, 1);
            Assert.Equal(0.27, mean, 0.02);
            return Math.Abs(variance - (0.81 * 0.25 + 0.01));
        }

        var (coarse, fine) = (Error(200), Error(400));
        Assert.True(fine < 0.003);
        Assert.InRange(coarse / fine, 1.7, 2.4); // order 1, so that the limit is the marginal itself
    }

    // η²g² is the reverse equation of the process: the same steps as EulerMaruyamaSampler's.
    [Fact]
    public void ReverseDiffusionIsTheReverseEquation()
    {
        using var scope = NewDisposeScope();
        var (x, denoiser) = (Normals(11), new GaussianDenoiser(Flow, 0.3, 0.5));
        var grid = TimeGrid.Uniform(Flow, 20, from: 0.9);
        using var first = NoiseSource.FromSeed(1);
        using var second = NoiseSource.FromSeed(1);
        var a = new FlowSdeSampler(FlowDiffusion.Reverse(0.7)).Sample(denoiser, x, grid, first);
        var b = new EulerMaruyamaSampler(0.7).Sample(denoiser, x, grid, second);
        Assert.True((a - b).abs().max().item<double>() < 1e-12);
    }

    // From one (x̂, σ̂) the flows of all schedules run to one end; the mixture's by numbers alone is the measure.
    [Theory]
    [InlineData("flow")]
    [InlineData("vp")]
    [InlineData("cosine")]
    public void EndsAreThoseOfTheDiffusionFlow(string name)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        NoiseSchedule schedule = name switch { "flow" => Flow, "vp" => new VariancePreservingSchedule(), _ => new CosineSchedule() };
        var (from, to) = (schedule.AtNoiseToSignal(10), schedule.AtNoiseToSignal(0.01));
        var start = tensor(new[,] { { -12.0 }, { 0.4 }, { 7.0 } });
        var sampler = new AdaptiveFlowSampler(tolerance: new ErrorTolerance(1e-11, 1e-11), variable: FlowVariable.Time);
        var end = sampler.Sample(new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture), start * from.Alpha, TimeGrid.FromPoints(schedule, [from], to), noise) / to.Alpha;
        for (var i = 0; i < 3; i++) Assert.Equal(ExactFlow.OfMixture(start[i, 0].item<double>(), 10, 0.01), end[i, 0].item<double>(), 1e-8);
    }

    // Along the variance-preserving path the velocity is the drift f·x − ½g²·∇ln p of the probability-flow equation, and the path may be given by its two functions.
    [Fact]
    public void TheNonlinearPathOfVariancePreservingIsItsProbabilityFlow()
    {
        using var scope = NewDisposeScope();
        var process = new VariancePreservingSchedule();
        var path = new InterpolantSchedule(t => process.At(t).Alpha, t => Math.Sqrt(1 - Math.Pow(process.At(t).Alpha, 2)));
        var x = linspace(-2, 2, 9, dtype: float64);
        for (var t = 0.1; t < 1; t += 0.1)
        {
            var level = process.At(t);
            var estimate = new GaussianDenoiser(process, 0.3, 0.5).Denoise(x, level);
            var flow = x * level.Drift - estimate.ScoreAt(x, level) * (level.DiffusionSquared / 2);
            Assert.True((estimate.VelocityAt(x, level) - flow).abs().max().item<double>() < 1e-12);
            var own = path.At(t);
            Assert.True((new GaussianDenoiser(path, 0.3, 0.5).Denoise(x, own).VelocityAt(x, own) - flow).abs().max().item<double>() < 1e-7); // slopes by numbers
        }
    }

    // DDIM is Euler's method of that path in x/α over σ/α.
    [Fact]
    public void DdimIsEulersMethodOfTheNonlinearPath()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var schedule = new VariancePreservingSchedule();
        var (x, denoiser) = (linspace(-2, 2, 9, dtype: float64), new GaussianDenoiser(schedule, 0.3, 0.5));
        var (from, to) = (schedule.At(0.8), schedule.At(0.5));
        var slope = denoiser.Denoise(x, from).NoiseAt(x, from); // dx̂/dσ̂
        var euler = (x / from.Alpha + slope * (to.NoiseToSignal - from.NoiseToSignal)) * to.Alpha;
        var ddim = new DdimSampler().Sample(denoiser, x, TimeGrid.FromPoints(schedule, [from], to), noise);
        Assert.True((ddim - euler).abs().max().item<double>() < 1e-13);
    }

    // α-deblending (Heitz et al. 2023): x ← x + Δα·D(x, α), D = E[x₀ − x₁], blends of any two densities; rectified flow by Euler's method.
    [Fact]
    public void DeblendingIsEulersMethodOfTheStraightFlow()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        using var network = new ScaleNetwork(0.7, 2e-4);
        var x = Normals(15);
        var ours = new FlowRungeKuttaSampler(RungeKutta.Euler).Sample(new NetworkDenoiser(network, Flow, Parameterization.Velocity()), x, TimeGrid.Uniform(Flow, 16), noise);
        for (var i = 0; i < 16; i++)
        {
            var alpha = i / 16.0;
            var deblend = -(0.7 * x + 2e-4 * 1000 * (1 - alpha)); // the network is the negative of D
            x = x + deblend / 16;
        }

        Assert.True((ours - x).abs().max().item<double>() < 1e-13);
    }

    // Flow matching's path of least noise σ_min has the velocity of its paper, u(x | x₀) = (x₀ − (1 − σ)x)/(1 − (1 − σ)τ) in τ = 1 − t. (Lipman et al. 2022, eq. 21)
    [Fact]
    public void ThePathWithALeastNoiseHasItsPublishedVelocity()
    {
        const double Least = 0.1;
        var path = new InterpolantSchedule(t => 1 - t, t => Least + (1 - Least) * t, _ => -1, _ => 1 - Least);
        foreach (var t in new[] { 0, 0.3, 0.8, 1 })
        {
            var (level, x0, x1) = (path.At(t), 0.4, -1.3);
            var x = level.Alpha * x0 + level.Sigma * x1;
            Assert.Equal((x0 - (1 - Least) * x) / (1 - (1 - Least) * (1 - t)), -(level.AlphaDot * x0 + level.SigmaDot * x1), 1e-12);
        }
    }

    // Whatever a network predicts on whatever schedule, data, noise, score and velocity come out the same, and on any other schedule too.
    [Fact]
    public void ViewsConvertIntoEachOtherAndIntoAnySchedule()
    {
        using var scope = NewDisposeScope();
        NoiseSchedule[] schedules = [Flow, new VariancePreservingSchedule(), new CosineSchedule(), new VarianceExplodingSchedule()];
        Func<NoiseLabel?, Parameterization>[] views = [Parameterization.Epsilon, Parameterization.Data, Parameterization.V, Parameterization.Score, Parameterization.Velocity, label => Parameterization.Edm(0.5, label)];
        var x = linspace(-2, 2, 7, dtype: float64).unsqueeze(1);
        foreach (var schedule in schedules)
            foreach (var view in views)
            {
                var parameterization = view(NoiseLabel.Time());
                using var network = new ExactGaussianNetwork(parameterization, schedule.At, 0.3, 0.5);
                var denoiser = new NetworkDenoiser(network, schedule, parameterization);
                AssertExact(denoiser, schedule.AtNoiseToSignal(0.7));
                foreach (var other in schedules) AssertExact(new RescheduledDenoiser(denoiser, other), other.AtNoiseToSignal(0.7));
            }

        void AssertExact(IDenoiser denoiser, NoiseLevel level)
        {
            var estimate = denoiser.Denoise(x, level);
            var total = level.Alpha * level.Alpha * 0.25 + level.Sigma * level.Sigma;
            var score = -(x - level.Alpha * 0.3) / total;
            void Near(Tensor expected, Tensor actual) => Assert.True((expected - actual).abs().max().item<double>() < 1e-9 * Math.Max(1, expected.abs().max().item<double>()));
            Near(score, estimate.ScoreAt(x, level));
            Near(-level.Sigma * score, estimate.NoiseAt(x, level));
            Near((x + level.Sigma * level.Sigma * score) / level.Alpha, estimate.Data);
            Near(x * level.Drift - score * (level.DiffusionSquared / 2), estimate.VelocityAt(x, level));
        }
    }

    private static FlowDiffusion Diffusion(string name) => name switch
    {
        "sigma" => FlowDiffusion.Sigma(),
        "constant" => FlowDiffusion.Constant(),
        "linear" => FlowDiffusion.Linear(),
        "decreasing" => FlowDiffusion.Decreasing(),
        "increasing-decreasing" => FlowDiffusion.IncreasingDecreasing(),
        _ => FlowDiffusion.Of(level => 0.5 + level.Time * level.Time),
    };

    // The flow that a reflow of N(m, s²) leads to: x₁ = (x − (1 − t)m)/((1 − t)s + t), x₀ = m + s·x₁.
    private sealed class StraightGaussian(double m, double s) : IDenoiser
    {
        public NoiseSchedule Schedule => Flow;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            var (a, t) = (at.Level.Alpha, at.Level.Sigma);
            return new Estimate(m + s * (x - a * m) / (a * s + t));
        }
    }

    private sealed class StraightNetwork(StraightGaussian flow) : DenoisingNetwork("Straight")
    {
        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            var rows = new List<Tensor>();
            var labels = input2.data<double>().ToArray();
            for (var i = 0; i < labels.Length; i++)
            {
                var level = Flow.At(labels[i] / 1000);
                rows.Add(flow.Denoise(input1[i], level).VelocityAt(input1[i], level));
            }

            return stack(rows, 0).MoveToOuterDisposeScope();
        }
    }
}
