using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Dynamics;
using Diffusion.Integration;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Training;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// A network trained by the DDPM loss is a score model, and a score model is sampled as DDPM, with no retraining: exactly where two methods are one, in distribution where they are not.
/// (Song et al. 2021, section 3)
/// </summary>
public sealed class EquivalenceTests(EquivalenceTests.Networks trained) : IClassFixture<EquivalenceTests.Networks>
{
    private const int Count = 2000;

    // Three Gaussians of different weights, eight deviations apart: a small network learns them in seconds.
    private static readonly double[] Weights = [0.5, 0.3, 0.2];

    private static readonly GaussianMixture Data = new(Weights, new[,] { { -1.0, 0.2 }, { 1.0, 0.6 }, { 0.2, -1.1 } }, new[,] { { 0.2, 0.2 }, { 0.15, 0.25 }, { 0.25, 0.15 } });

    private static DiscreteSchedule Ddpm { get; } = new(BetaSchedule.Linear());

    // The range of the discrete schedule's σ/α, 0.0100 to 157.4, and a little less: what both models know.
    private static VarianceExplodingSchedule Exploding { get; } = new(0.01, 160);

    private static VarianceExplodingSchedule Walked { get; } = new(0.0105, 150);

    public static TheoryData<string> ScoreSamplers => ["reverse equation", "half of its noise", "flow", "predictor-corrector", "stochastic Heun", "annealed Langevin"];

    [Theory, MemberData(nameof(ScoreSamplers))]
    public void ADdpmNetworkIsSampledAsAScoreModel(string name)
    {
        using var scope = NewDisposeScope();
        AssertData(trained.Ddpm, name);
    }

    [Theory, InlineData("ddpm"), InlineData("ddim"), InlineData("reverse equation"), InlineData("flow")]
    public void AScoreNetworkIsSampledAsDdpm(string name)
    {
        using var scope = NewDisposeScope();
        AssertData(trained.Score, name);
    }

    // s = −ε/σ, and Tweedie: E[x₀ | x] = (x + σ²s)/α. Of the network, to the rounding of float32.
    [Fact]
    public void TheScoreOfADdpmNetworkIsItsOutputOverMinusSigma()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        foreach (var timestep in new[] { 5, 100, 500, 900 })
        {
            var level = Ddpm.AtTimestep(timestep);
            var x = noise.Next([64, 2], float32, CPU);
            var output = trained.DdpmNetwork.call(x, full([64], timestep, float32), null);
            var score = ScoreFunctions.OfDenoiser(trained.Ddpm, level)(x);
            Close(output / -level.Sigma, score, 2e-4);
            Close((x + score * (level.Sigma * level.Sigma)) / level.Alpha, trained.Ddpm.Denoise(x, level).Data, 1e-6 / level.Alpha); // states of size 1 are divided by α
        }
    }

    // Tweedie with the score of the exact density by automatic differentiation, and its second order: tr Cov[x₀ | x] = (σ²/α)·tr ∂x̂₀/∂x, whose mean is the least error.
    [Fact]
    public void TweediesFormulaHoldsOnEverySchedule()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        foreach (var name in LawSchedules.Names)
        {
            var schedule = LawSchedules.Of(name);
            var denoiser = new GaussianMixtureDenoiser(schedule, Data);
            var level = schedule.AtNoiseToSignal(0.4);
            var x0 = Data.Sample(20_000, noise, float64);
            var x = (x0 * level.Alpha + noise.NextLike(x0) * level.Sigma).requires_grad_();
            var score = ScoreFunctions.OfDensity(y => Data.LogDensity(y, level))(x);
            var estimate = denoiser.Denoise(x, level).Data;
            Close((x.detach() + score * (level.Sigma * level.Sigma)) / level.Alpha, estimate.detach(), 1e-10);
            var covariance = Divergence.Exact.Of(estimate, x, [], differentiable: false) * (level.Sigma * level.Sigma / level.Alpha);
            var difference = covariance - (estimate.detach() - x0).square().sum(1);
            var error = difference.std().item<double>() / Math.Sqrt(20_000);
            Assert.InRange(difference.mean().item<double>(), -4 * error, 4 * error);
        }
    }

    // One step of DDIM is Euler's of the flow in σ/α, and DDPM's is the ancestral one, also for a network seen from the other schedule.
    [Fact]
    public void DdimAndDdpmAreTheFlowAndAncestralStepsOfTheScoreModel()
    {
        using var scope = NewDisposeScope();
        var grid = Ddpm.Grid(50, TimestepSpacing.Trailing);
        var form = new VarianceExplodingForm(Ddpm);
        var asScore = new RescheduledDenoiser(trained.Ddpm, form);
        foreach (var (own, other) in new (Sampler, Sampler)[] { (new DdimSampler(), new EulerSampler()), (new DdpmSampler(), new EulerAncestralSampler()) })
        {
            using var first = NoiseSource.FromSeed(3);
            using var second = NoiseSource.FromSeed(3);
            var start = Ddpm.DrawPrior([256, 2], first, grid.Start.Time);
            Tensor expected = own.Sample(trained.Ddpm, start, grid, first), actual;
            _ = Ddpm.DrawPrior([256, 2], second, grid.Start.Time);
            actual = other.Sample(asScore, start / grid.Start.Alpha, grid.On(form), second);
            Close(expected, actual, 2e-3); // 50 steps in float32, at first on states of size 157
        }
    }

    // The flow has one path through each point, whatever the coordinates.
    [Fact]
    public void TheFlowOfANetworkIsOneInAllCoordinates()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        NoiseSchedule[] schedules = [Ddpm, Walked, new VariancePreservingSchedule(), new CosineSchedule()];
        var unit = noise.Next([128, 2], float32, CPU);
        var ends = Array.ConvertAll(schedules, schedule =>
        {
            var start = schedule.AtNoiseToSignal(100);
            var grid = TimeGrid.FromPoints(schedule, [start], schedule.AtNoiseToSignal(0.02));
            var end = new AdaptiveFlowSampler(tolerance: new ErrorTolerance(1e-6, 1e-6)).Sample(new RescheduledDenoiser(trained.Ddpm, schedule), unit * start.Sigma, grid, noise);
            return end / schedule.AtNoiseToSignal(0.02).Alpha;
        });
        foreach (var end in ends[1..]) Close(ends[0], end, 2e-3);
    }

    private static void AssertData(IDenoiser model, string name)
    {
        using var noise = NoiseSource.FromSeed(5);
        var (schedule, sampler, grid) = Method(name);
        var denoiser = new RescheduledDenoiser(model, schedule);
        var samples = sampler.Sample(denoiser, noise.Next([Count, 2], float32, CPU) * grid.Start.Sigma, grid, noise);
        var (real, clean) = (Data.Sample(Count, noise), NoiseLevel.Of(1, 0));
        // Two sets of fresh points are 0.000 ± 0.001 apart, and one Gaussian of the right moments 0.06 from the data.
        Assert.InRange(PlaneMixture.EnergyDistance(samples, real), -0.006, 0.006);
        // The true density at the samples is that at the data: none lie astray, none are heaped up. Of 2000 points its logarithm has a standard error of 0.03; the rest is what seconds of training leave.
        var gap = Data.LogDensity(samples, clean).mean().item<double>() - Data.LogDensity(real, clean).mean().item<double>();
        Assert.InRange(gap, -0.2, 0.2);
        var (left, down) = (samples.select(1, 0), samples.select(1, 1));
        double[] shares = [left.lt(-0.4).to(float64).mean().item<double>(), (left.ge(-0.4) & down.gt(-0.3)).to(float64).mean().item<double>()];
        for (var k = 0; k < 2; k++) Assert.Equal(Weights[k], shares[k], 0.06);
    }

    private static (NoiseSchedule Schedule, Sampler Sampler, TimeGrid Grid) Method(string name)
    {
        var preserving = new VariancePreservingSchedule();
        var times = TimeGrid.FromTimes(preserving, [.. Enumerable.Range(0, 150).Select(i => Math.Pow(1 - 0.965 * i / 149, 2))]);
        return name switch
        {
            "ddpm" => (Ddpm, new DdpmSampler(), Ddpm.Grid(200, TimestepSpacing.Linspace).Skip(1)), // the score network does not know the last level
            "ddim" => (Ddpm, new DdimSampler(), Ddpm.Grid(50, TimestepSpacing.Linspace).Skip(1)),
            "reverse equation" => (preserving, new EulerMaruyamaSampler(), times),
            "half of its noise" => (preserving, new EulerMaruyamaSampler(0.5), times),
            "stochastic Heun" => (preserving, new StochasticHeunSampler(), times),
            "flow" => (Walked, new AdaptiveFlowSampler(), TimeGrid.FromTimes(Walked, [1, 0])),
            "predictor-corrector" => (Walked, new PredictorCorrectorSampler(), TimeGrid.Uniform(Walked, 150)),
            "annealed Langevin" => (Walked, new AnnealedLangevinSampler(10, 1e-5), TimeGrid.Uniform(Walked, 100)),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such method."),
        };
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        var difference = (expected - actual).abs().max().to(float64).item<double>();
        Assert.True(difference <= tolerance * Math.Max(1, expected.abs().max().to(float64).item<double>()), $"The difference is {difference:e2}.");
    }

    /// <summary>One network trained by the DDPM loss and one by noise-conditional score matching, a few seconds each.</summary>
    public sealed class Networks : IDisposable
    {
        private readonly OneThread _thread = new();
        private readonly Mlp _score;

        public Networks()
        {
            var epsilon = Parameterization.Epsilon(NoiseLabel.Timestep(1000));
            DdpmNetwork = Train(new DenoisingObjective(EquivalenceTests.Ddpm, epsilon) { Times = TimeDistribution.Timesteps(1000) });
            Ddpm = new NetworkDenoiser(DdpmNetwork, EquivalenceTests.Ddpm, epsilon);
            // s = F/σ of the input divided by √(1 + σ²), as later noise-conditional networks have it.
            var scaled = Parameterization.Normalized(Parameterization.Epsilon());
            _score = Train(new DenoisingObjective(Exploding, scaled) { Weighting = LossWeighting.Snr, Times = TimeDistribution.Ladder(232) });
            Score = new NetworkDenoiser(_score, Exploding, scaled);
        }

        public Mlp DdpmNetwork { get; }

        public IDenoiser Ddpm { get; }

        public IDenoiser Score { get; }

        public void Dispose()
        {
            DdpmNetwork.Dispose();
            _score.Dispose();
            _thread.Dispose();
        }

        private static Mlp Train(DenoisingObjective objective)
        {
            random.manual_seed(1).Dispose();
            var network = new Mlp(2, 64, 2);
            using var noise = NoiseSource.FromSeed(1);
            using var points = EquivalenceTests.Data.Sample(16_384, noise);
            using var data = new TensorDataSet(points);
            using var loader = new DataLoader(data, 256);
            using var run = new TrainingRun(network, objective, loader, new TrainingSettings
            {
                Update = UpdateRule.AdamW(4e-3),
                LearningRate = LearningRateSchedule.Cosine().WithWarmUp(20),
                Averages = [AveragingRule.WarmUp(0.995)],
                Steps = 2000,
            });
            run.Train();
            run.Averages[0].CopyTo(network);
            network.eval();
            return network;
        }
    }
}
