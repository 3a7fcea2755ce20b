using Diffusion.Data;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>The losses of the score-based papers, each of which is a setting of <see cref="DenoisingObjective"/>.</summary>
public class ScoreLossTests
{
    // Song et al. 2021b, eq. 8: ½g²·‖s − ∇ln p(x_t | x₀)‖², with f and g² of the equation, for whatever the network predicts.
    [Fact]
    public void LikelihoodWeightingIsHalfTheDiffusionOnTheScore()
    {
        using var scope = NewDisposeScope();
        NoiseSchedule[] schedules = [new VariancePreservingSchedule(), new SubVariancePreservingSchedule(), new VarianceExplodingSchedule(0.1, 20), new CosineSchedule()];
        foreach (var schedule in schedules)
            foreach (var parameterization in new[] { Parameterization.Score(), Parameterization.Epsilon(), Parameterization.V(), Parameterization.Edm() })
            {
                var objective = new DenoisingObjective(schedule, parameterization) { Weighting = LossWeighting.Likelihood, Times = TimeDistribution.Uniform(0.05, 0.95) };
                using var network = new ScaleNetwork(-0.4, 1e-3);
                using var data = NoiseSource.FromSeed(1);
                var x0 = data.Next([4, 3], float64, CPU);
                using var first = NoiseSource.FromSeed(2);
                var loss = objective.Loss(network, x0, null, first).item<double>();
                using var second = NoiseSource.FromSeed(2);
                var noise = second.NextLike(x0);
                var times = objective.Times.Draw(4, schedule, second);
                var literal = 0.0;
                for (var i = 0; i < 4; i++)
                {
                    var level = schedule.At(times[i]);
                    var scalings = parameterization.At(level);
                    var x = level.Alpha * x0[i] + level.Sigma * noise[i];
                    var estimate = scalings.Skip * x + scalings.Out * (network.w * (scalings.In * x) + network.b * scalings.Label);
                    var score = (level.Alpha * estimate - x) / (level.Sigma * level.Sigma); // Tweedie
                    literal += 0.5 * level.DiffusionSquared * (score + noise[i] / level.Sigma).square().mean().item<double>() / 4;
                }

                Assert.Equal(literal, loss, 1e-9 * Math.Abs(literal));
            }
    }

    // Song et al. 2021b, theorem 2: the excess of the weighted loss over its floor, integrated over time, is the divergence that the forward process loses. Here of N(0, s²) from N(0, v²).
    [Theory]
    [InlineData(0.5, 0.7)]
    [InlineData(1, 0.4)]
    public void TheLikelihoodWeightedExcessIsADivergence(double s, double v)
    {
        var rule = new GaussLegendre(60);
        foreach (var schedule in new NoiseSchedule[] { new VariancePreservingSchedule(), new SubVariancePreservingSchedule(), new CosineSchedule() })
        {
            double Divergence(double t)
            {
                var level = schedule.At(t);
                double Variance(double deviation) => level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma;
                var ratio = Variance(s) / Variance(v);
                return (ratio - 1 - Math.Log(ratio)) / 2;
            }

            double Excess(double t)
            {
                var level = schedule.At(t);
                double Gain(double deviation) => level.Alpha * deviation * deviation / (level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma);
                var difference = Gain(v) - Gain(s); // x̂₀ of the model less x̂₀ of the data, as a factor of x_t
                return LossWeighting.Likelihood.At(level, default) * difference * difference * (level.Alpha * level.Alpha * s * s + level.Sigma * level.Sigma);
            }

            const double from = 0.01, to = 0.97;
            var integral = rule.Integrate(Excess, from, 0.2) + rule.Integrate(Excess, 0.2, to);
            Assert.Equal(Divergence(from) - Divergence(to), integral, 1e-9);
        }
    }

    // Song and Ermon 2019, eq. 5 and 6: the mean over levels of ½σ²·‖s + z/σ‖², at the levels that are sampled at. Ours is a number of the sample: 2/D of it.
    [Fact]
    public void NoiseConditionalTrainingIsTheLadderWithSnrWeights()
    {
        using var scope = NewDisposeScope();
        var schedule = new VarianceExplodingSchedule(0.01, 1);
        var objective = new DenoisingObjective(schedule, Parameterization.Score(NoiseLabel.NoiseToSignal)) { Weighting = LossWeighting.Snr, Times = TimeDistribution.Ladder(10) };
        using var network = new ScaleNetwork(-0.7, 0.3);
        using var data = NoiseSource.FromSeed(3);
        var x0 = data.Next([64, 3], float64, CPU);
        using var first = NoiseSource.FromSeed(4);
        var terms = objective.Terms(network, x0, null, first);
        using var second = NoiseSource.FromSeed(4);
        var noise = second.NextLike(x0);
        double[] ladder = [.. TimeGrid.Uniform(schedule, 10).Select(step => step.At.Level.Sigma)];
        Assert.Equal(10, terms.Levels!.Select(level => level.Sigma).Distinct().Count());
        var literal = 0.0;
        for (var i = 0; i < 64; i++)
        {
            var sigma = ladder.MinBy(level => Math.Abs(level - terms.Levels![i].Sigma));
            Assert.Equal(sigma, terms.Levels![i].Sigma, 1e-14);
            var score = network.w * (x0[i] + sigma * noise[i]) + network.b * sigma;
            literal += 0.5 * sigma * sigma * (score + noise[i] / sigma).square().sum().item<double>() / 64;
        }

        Assert.Equal(literal * 2 / 3, terms.Loss.item<double>(), 1e-11 * literal);
    }

    [Fact]
    public void LaddersHaveAllTheirLevelsEquallyOften()
    {
        using var noise = NoiseSource.FromSeed(1);
        var times = TimeDistribution.Ladder(5).Stratified().Draw(1000, new VarianceExplodingSchedule(), noise);
        Assert.Equal([0, 0.25, 0.5, 0.75, 1], times.Distinct().Order());
        Assert.All(times.GroupBy(time => time), group => Assert.Equal(200, group.Count()));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimeDistribution.Ladder(1));
    }

    // L/eᵘ + u with u from the module, at the ¼·ln σ of each sample.
    [Fact]
    public void AnUncertaintyDividesTheLossAndIsAddedToIt()
    {
        using var scope = NewDisposeScope();
        using var uncertainty = new LearnedUncertainty(16);
        var schedule = new KarrasSchedule();
        var plain = new DenoisingObjective(schedule, Parameterization.Edm()) { Weighting = LossWeighting.Edm(), Times = TimeDistribution.LogNormal() };
        var learned = new DenoisingObjective(schedule, Parameterization.Edm()) { Weighting = LossWeighting.Edm(), Times = TimeDistribution.LogNormal(), Uncertainty = uncertainty };
        Assert.Same(uncertainty, learned.Module);
        Assert.Null(plain.Module);
        using var network = new ScaleNetwork();
        var x0 = full([6, 2], 0.4, float64);
        LossTerms Terms(DenoisingObjective objective)
        {
            using var noise = NoiseSource.FromSeed(5);
            return objective.Terms(network, x0, null, noise);
        }

        var before = Terms(plain).PerSample!;
        Assert.True((before - Terms(learned).PerSample!).abs().max().item<double>() < 1e-12); // it begins at u = 0
        using (no_grad()) foreach (var (name, parameter) in uncertainty.named_parameters()) if (name.StartsWith("readout", StringComparison.Ordinal)) nn.init.constant_(parameter, 0.3);
        var terms = Terms(learned);
        var u = uncertainty.call(tensor(terms.Levels!.Select(NoiseLabel.QuarterLogSigma.At).ToArray())).to(float64);
        Assert.True(u.std().item<double>() > 0.1);
        Assert.True((before * u.neg().exp() + u - terms.PerSample!).abs().max().item<double>() < 1e-5);
    }

    // At the optimum u is the logarithm of the mean loss of its level: on the floor of N(0, 1) data with σ_data = ½, (σ² + ¼)/(¼(1 + σ²)), which rises from 1 to 4.
    [Fact]
    public void TrainingFindsTheLogarithmOfEachLevelsLoss()
    {
        using var scope = NewDisposeScope();
        using var thread = new OneThread();
        random.manual_seed(2).Dispose();
        using var uncertainty = new LearnedUncertainty();
        var (schedule, parameterization) = (new KarrasSchedule(), Parameterization.Edm());
        var objective = new DenoisingObjective(schedule, parameterization)
        {
            Weighting = LossWeighting.Edm(),
            Times = TimeDistribution.LogNormal(-0.4, 1.4).Stratified(),
            Uncertainty = uncertainty,
        };
        using var network = new ExactGaussianNetworkWithOneWeight(parameterization, label => schedule.AtNoiseToSignal(Math.Exp(4 * label)));
        using var noise = NoiseSource.FromSeed(6);
        using var data = new TensorDataSet(noise.Next([2048, 64], float32, CPU));
        using var loader = new DataLoader(data, 256);
        using var run = new TrainingRun(network, objective, loader, new TrainingSettings
        {
            Update = UpdateRule.Adam(0.03),
            LearningRate = LearningRateSchedule.Cosine(0.01),
            Averages = [],
            Steps = 400,
        });
        Assert.Contains(run.Optimizer.State.Keys, key => key.Contains("objective.readout", StringComparison.Ordinal));
        run.Train(cancellationToken: TestContext.Current.CancellationToken);
        foreach (var sigma in new[] { 0.1, 0.4, 1, 2.5 })
        {
            var floor = (sigma * sigma + 0.25) / (0.25 * (1 + sigma * sigma));
            Assert.Equal(Math.Log(floor), uncertainty.call(tensor(new[] { Math.Log(sigma) / 4 })).item<float>(), 0.06); // 400 steps with 0.03: a few hundredths of noise
        }
    }

    [Fact]
    public void AnUncertaintyHasNoPlaceWithoutNoise()
    {
        using var scope = NewDisposeScope();
        using var uncertainty = new LearnedUncertainty();
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()) { Uncertainty = uncertainty, Times = TimeDistribution.Of(_ => 1) };
        Assert.Contains("uncertainty", Assert.Throws<InvalidOperationException>(() => objective.Loss(network, ones(2, 3, float64), null, noise)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearnedUncertainty(0));
        Assert.Throws<ArgumentException>(() => uncertainty.call(ones(2, 2)));
    }

    // The exact network, and a weight that the loss does not depend on: a run needs something to train.
    private sealed class ExactGaussianNetworkWithOneWeight : DenoisingNetwork
    {
        private readonly ExactGaussianNetwork _exact;
        private readonly TorchSharp.Modules.Parameter _weight;

        public ExactGaussianNetworkWithOneWeight(Parameterization parameterization, Func<double, NoiseLevel> levelOfLabel) : base("Exact")
        {
            _exact = new ExactGaussianNetwork(parameterization, levelOfLabel, 0, 1);
            _weight = nn.Parameter(ones(1));
            _weight.DetachFromDisposeScope();
            RegisterComponents();
        }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            return (_exact.call(input1, input2, input3) + 0 * _weight).MoveToOuterDisposeScope();
        }
    }
}
