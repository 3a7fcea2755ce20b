using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class LearnedScheduleTests
{
    private static readonly Parameterization Epsilon = Parameterization.Epsilon(NoiseLabel.LogSigma);

    private static void Set(LearnedSchedule schedule, string name, double value, int index = 0)
    {
        using var gradients = no_grad();
        using var parameter = schedule.named_parameters().Single(p => p.name == name).parameter.view(-1);
        using var element = parameter[index];
        element.fill_(value);
    }

    private static double Get(LearnedSchedule schedule, string name, int index = 0) =>
        schedule.named_parameters().Single(p => p.name == name).parameter.view(-1)[index].item<float>();

    private static LearnedSchedule Bent()
    {
        var schedule = new LearnedSchedule(8, -5, 4);
        for (var i = 0; i < 4; i++)
        {
            Set(schedule, "weights", i == 1 ? 2 : -3, i);
            Set(schedule, "steepness", 3 + 4 * i, i);
        }

        return schedule;
    }

    [Fact]
    public void ItIsAScheduleWithItsEnds()
    {
        using var scope = NewDisposeScope();
        using var fresh = new LearnedSchedule();
        using var bent = Bent();
        foreach (var (schedule, start, end) in new[] { (fresh, 13.3, -5.0), (bent, 8.0, -5.0) })
        {
            var frozen = schedule.Freeze();
            Assert.Equal(start, frozen.At(0).LogSnr, 1e-5);
            Assert.Equal(end, frozen.At(1).LogSnr, 1e-5);
            var before = double.PositiveInfinity;
            for (var i = 0; i <= 50; i++)
            {
                var level = frozen.At(i / 50.0);
                Assert.Equal(1, level.Alpha * level.Alpha + level.Sigma * level.Sigma, 1e-14);
                Assert.True(level.LogSnr < before);
                before = level.LogSnr;
                Assert.Equal(i / 50.0, frozen.TimeAtLogSnr(level.LogSnr), 1e-10);
                if (i is 0 or 50) continue;
                var (above, below) = (frozen.At(i / 50.0 + 1e-5), frozen.At(i / 50.0 - 1e-5));
                Assert.Equal((above.Alpha - below.Alpha) / 2e-5, level.AlphaDot, 1e-6);
                Assert.Equal((above.Sigma - below.Sigma) / 2e-5, level.SigmaDot, 1e-6);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => frozen.TimeAtLogSnr(start + 0.1));
            var (path, slope) = schedule.Path([0.1, 0.6]);
            var (first, width) = schedule.Ends();
            Assert.Equal(-frozen.At(0.6).LogSnr, (first + width * path)[1].item<double>(), 1e-10);
            Assert.Equal((frozen.At(0.6 + 1e-6).LogSnr - frozen.At(0.6 - 1e-6).LogSnr) / -2e-6, (width * slope)[1].item<double>(), 1e-4);
        }

        // Fresh, it is all but linear.
        Assert.Equal(13.3 - 18.3 * 0.3, fresh.Freeze().At(0.3).LogSnr, 0.3);
    }

    // N(0, s²) and the exact network: entropy + prior + ½ln(1 + e^{γ₀}/s²) whatever lies between the ends.
    [Theory]
    [InlineData(1)]
    [InlineData(0.5)]
    public void TheBoundDoesNotDependOnThePathBetweenTheEnds(double deviation)
    {
        using var scope = NewDisposeScope();
        using var network = new ExactNoiseNetwork(deviation);
        var alpha = 1 / (1 + Math.Exp(-5.0)) is var sigma ? 1 - sigma : 0;
        var power = alpha * deviation * deviation + 1 - alpha;
        var expected = 0.5 * Math.Log(2 * Math.PI * Math.E * deviation * deviation) + (power - 1 - Math.Log(power)) / 2 + 0.5 * Math.Log(1 + Math.Exp(-8) / (deviation * deviation));
        using var straight = new LearnedSchedule(8, -5, 4);
        using var bent = Bent();
        var spreads = new List<double>();
        foreach (var schedule in new[] { straight, bent })
        {
            using var noise = NoiseSource.FromSeed(3);
            var x0 = noise.Next([200_000, 1], ScalarType.Float64, CPU).mul_(deviation);
            using var gradients = no_grad();
            var terms = new ContinuousBoundObjective(schedule, Epsilon).Terms(network, x0, null, noise).PerSample!;
            spreads.Add(terms.std().item<double>());
            Assert.Equal(expected, terms.mean().item<double>(), 4 * spreads[^1] / Math.Sqrt(200_000));
        }

        Assert.True(Math.Abs(spreads[0] - spreads[1]) > 0.05 * spreads[0]); // only the noise of the estimate does
    }

    // Differences of the loss itself, with the same draws: the ends lower the mean, the path E[l²]/E[l] of the diffusion losses.
    [Theory]
    [InlineData("start", 0, false)]
    [InlineData("width", 0, false)]
    [InlineData("start", 0, true)]
    [InlineData("width", 0, true)]
    [InlineData("rate", 0, false)]
    [InlineData("weights", 1, false)]
    [InlineData("steepness", 1, false)]
    [InlineData("centres", 2, false)]
    public void GradientsAreThoseOfTheTwoAims(string name, int index, bool onLevels)
    {
        using var scope = NewDisposeScope();
        using var schedule = Bent();
        using var network = new ScaleNetwork(0.6, 0.02);
        using var data = NoiseSource.FromSeed(2);
        var levels = new Quantization(64, -3, 3);
        var x0 = data.Next([32, 3], ScalarType.Float64, CPU).div_(levels.Step).round_().mul_(levels.Step);
        foreach (var parameterization in new[] { Epsilon, Parameterization.V(NoiseLabel.LogSigma), Parameterization.Edm(0.5) })
        {
            var objective = new ContinuousBoundObjective(schedule, parameterization) { Decoder = onLevels ? new DiscretizedGaussian(levels) : null };
            LossTerms Terms()
            {
                using var noise = NoiseSource.FromSeed(9);
                return objective.Terms(network, x0, null, noise);
            }

            schedule.zero_grad();
            network.zero_grad();
            var terms = Terms();
            terms.Loss.backward();
            Assert.NotEqual(0, network.w.grad!.item<double>());
            var parameter = schedule.named_parameters().Single(p => p.name == name).parameter;
            var found = parameter.grad!.view(-1)[index].item<float>();
            Assert.Equal(terms.PerSample!.mean().item<double>(), terms.Loss.item<double>(), 1e-12);

            // The end terms are the same for any path; without a decoder they are known.
            var end = -schedule.Freeze().At(1).LogSnr;
            var variance = 1 / (1 + Math.Exp(-end));
            var ends = ((1 - variance) * x0.square().mean([1L]) + variance - 1 - Math.Log(variance) + Math.Log(2 * Math.PI) + 1 - schedule.Freeze().At(0).LogSnr) / 2;
            var mean = (terms.PerSample - ends).mean().item<double>();
            double Aim() => name is "start" or "width" ? Terms().Loss.item<double>() : (Terms().PerSample! - ends).square().mean().item<double>() / mean;
            var at = Get(schedule, name, index);
            double Value(double offset)
            {
                Set(schedule, name, at + offset, index);
                return Aim();
            }

            const double h = 1.0 / 512;
            var expected = (8 * (Value(h) - Value(-h)) - (Value(2 * h) - Value(-2 * h))) / (12 * h);
            Set(schedule, name, at, index);
            Assert.Equal(expected, found, 2e-4 * Math.Max(Math.Abs(expected), 0.05));
        }
    }

    [Fact]
    public void TrainingThePathLowersTheSpreadAndNotTheMean()
    {
        using var scope = NewDisposeScope();
        using var network = new ExactNoiseNetwork(0.2);
        using var schedule = new LearnedSchedule(8, -5, 8, learnEnds: false);
        var objective = new ContinuousBoundObjective(schedule, Epsilon);
        Assert.Same(schedule, objective.Module);
        (double Mean, double Spread) Look()
        {
            using var inner = NewDisposeScope();
            using var noise = NoiseSource.FromSeed(3);
            using var gradients = no_grad();
            var x0 = noise.Next([100_000, 4], ScalarType.Float64, CPU).mul_(0.2);
            var terms = objective.Terms(network, x0, null, noise).PerSample!;
            return (terms.mean().item<double>(), terms.std().item<double>());
        }

        var before = Look();
        using var optimizer = new WeightOptimizer(schedule, UpdateRule.AdamW(0.05, weightDecay: 0));
        using var draws = NoiseSource.FromSeed(4);
        for (var i = 0; i < 150; i++)
        {
            using var inner = NewDisposeScope();
            optimizer.ZeroGradients();
            objective.Loss(network, draws.Next([512, 4], ScalarType.Float64, CPU).mul_(0.2), null, draws).backward();
            optimizer.Step();
        }

        var after = Look();
        Assert.InRange(after.Spread / before.Spread, 0, 0.9);
        Assert.Equal(before.Mean, after.Mean, 4 * before.Spread / Math.Sqrt(50_000));
        Assert.Equal(8, schedule.Freeze().At(0).LogSnr, 1e-5);
    }

    // A small network and the schedule are trained together by a run, saved with it, and the frozen schedule is sampled and evaluated as any other.
    [Fact]
    public void ARunTrainsAndSavesNetworkAndSchedule()
    {
        using var thread = new OneThread();
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(1024);
        using var loader = new DataLoader(data, 128);
        random.manual_seed(1).Dispose();
        using var network = new Mlp(2, 32, 2);
        using var schedule = new LearnedSchedule(8, -5, 8);
        var objective = new ContinuousBoundObjective(schedule, Parameterization.V(NoiseLabel.LogSigma));
        using var run = new TrainingRun(network, objective, loader, new() { Update = UpdateRule.AdamW(5e-3), Steps = 150, CheckpointFolder = folder.Path });
        var losses = new List<double>();
        run.Train(new Collected(losses), TestContext.Current.CancellationToken);
        Assert.True(losses[^1] < losses[0] - 0.2);
        Assert.NotEqual(8, schedule.Freeze().At(0).LogSnr, 0.01);

        using var other = new LearnedSchedule(3, -3, 8);
        using var second = new TrainingRun(network, new ContinuousBoundObjective(other, Epsilon), loader, new() { Update = UpdateRule.AdamW(5e-3), Steps = 150, CheckpointFolder = folder.Path });
        Assert.True(second.Resume());
        Assert.Equal(schedule.Freeze().At(0.4), other.Freeze().At(0.4));

        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new NetworkDenoiser(network, schedule.Freeze(), Parameterization.V(NoiseLabel.LogSigma));
        var bound = new ContinuousBound(64) { Prior = NoisePrior.StandardNormal }.Evaluate(denoiser, data.Get([.. Enumerable.Range(0, 512).Select(i => (long)i)]).Data, noise).Total.mean().item<double>() / 2;
        Assert.Equal(bound, losses.TakeLast(5).Average(), 0.3);
    }

    [Fact]
    public void NumbersThatAreNoScheduleAreErrors()
    {
        Assert.Equal(2.5, new MonotoneSchedule(5, -5, 3, [], [], []).At(0.25).LogSnr, 1e-12); // linear
        Assert.Throws<ArgumentOutOfRangeException>(() => new MonotoneSchedule(5, 5, 1, [], [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MonotoneSchedule(double.NaN, 5, 1, [], [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MonotoneSchedule(5, -5, 0, [], [], []));
        Assert.Throws<ArgumentException>(() => new MonotoneSchedule(5, -5, 1, [1], [1, 2], [0]));
        Assert.Throws<ArgumentException>(() => new MonotoneSchedule(5, -5, 1, [-1], [1], [0]));
    }

    [Fact]
    public void ALabelOfTheTimeIsAnError()
    {
        using var scope = NewDisposeScope();
        using var schedule = new LearnedSchedule();
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var x0 = noise.Next([4, 2], ScalarType.Float64, CPU);
        Assert.Contains("LogSigma", Assert.Throws<InvalidOperationException>(() => new ContinuousBoundObjective(schedule, Parameterization.Epsilon()).Loss(network, x0, null, noise)).Message, StringComparison.Ordinal);
    }

    private sealed class Collected(List<double> losses) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => losses.Add(value.Loss);
    }
}
