using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public sealed class LossByLevelTests : IDisposable
{
    private readonly OneThread _thread = new();

    public void Dispose() => _thread.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // A network that is the exact denoiser of Gaussian data has the least loss at every level, up to the chance of the draw.
    [Fact]
    public void TheExactNetworkIsAtTheFloorInEveryBucket()
    {
        const double Deviation = 0.5;
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        using var data = new TensorDataSet(noise.Next([65536, 1], ScalarType.Float32, CPU) * Deviation);
        using var loader = new DataLoader(data, 8192);
        var objective = new DenoisingObjective(new VariancePreservingSchedule(), Parameterization.V()) { Times = TimeDistribution.Uniform(1e-3), Weighting = LossWeighting.MinSnr() };
        using var exact = new ExactGaussianNetwork(objective.Parameterization, label => objective.Schedule.At(label / 1000), 0, Deviation);
        using var network = new WithParameter(exact);
        var reports = new List<TrainingProgress>();
        using var run = new TrainingRun(network, objective, loader, new()
        {
            Update = UpdateRule.Sgd(0),
            Steps = 8,
            ReportEvery = 8,
            LossFloor = objective.FloorOf(level => Least(level, Deviation)),
        });
        run.Train(new Collect(reports.Add), Token);
        var report = Assert.Single(reports);
        Assert.Equal(10, report.Buckets.Count);
        Assert.Equal(65536, report.Buckets.Sum(b => b.Samples));
        Assert.Equal(report.Loss, report.Buckets.Sum(b => b.Loss * b.Samples) / 65536, 1e-6);
        // About 6,500 squares a bucket: relative standard error √(2/6500) = 1.8 %; four of those.
        Assert.All(report.Buckets, b => Assert.InRange(b.Loss / b.Floor!.Value, 0.93, 1.07));
        Assert.Equal([0, 0.1, 0.9], new[] { report.Buckets[0].From, report.Buckets[0].To, report.Buckets[^1].From });
    }

    [Fact]
    public void BucketsCanBeLeftOutAndFloorsInterpolated()
    {
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()) { Weighting = LossWeighting.Data };
        var (exact, table) = (objective.FloorOf(l => Least(l, 0.7)), objective.FloorOf(l => Least(l, 0.7), points: 400));
        for (var t = 0.013; t < 1; t += 0.1) Assert.Equal(exact(objective.Schedule.At(t)), table(objective.Schedule.At(t)), 1e-5); // (1/400)²/8 times the curvature
        Assert.Throws<ArgumentOutOfRangeException>(() => objective.FloorOf(l => 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingSettings { LossBuckets = -1 });

        using var data = PlaneMixture.DataSet(128);
        using var loader = new DataLoader(data, 32);
        using var network = new BreakableNetwork();
        using var run = new TrainingRun(network, objective, loader, new() { Steps = 2, LossBuckets = 0 });
        var reports = new List<TrainingProgress>();
        run.Train(new Collect(reports.Add), Token);
        Assert.Empty(Assert.Single(reports).Buckets);
        Assert.Empty(default(TrainingProgress).Buckets);
    }

    // The recorded least errors of the mixture (0.4, 0.6), means (−0.8, 0.7), variances (0.05, 0.02), by quadrature.
    [Theory]
    [InlineData(0.1, 0.0073484348)]
    [InlineData(0.5, 0.1269691455)]
    [InlineData(2, 0.4993001422)]
    public void TheLeastErrorOfAMixtureIsThatOfQuadrature(double sigma, double expected)
    {
        using var noise = NoiseSource.FromSeed(1);
        var mixture = new GaussianMixture([0.4, 0.6], new[,] { { -0.8 }, { 0.7 } }, new[,] { { Math.Sqrt(0.05) }, { Math.Sqrt(0.02) } });
        // 200,000 draws of a variance whose own spread is about as large as itself: standard error 0.3 %; five of those.
        Assert.Equal(1, mixture.LeastError(NoiseLevel.Of(1, sigma), noise, 200_000) / expected, 0.015);
    }

    [Fact]
    public void TheLeastErrorOfOneGaussianIsExact()
    {
        using var noise = NoiseSource.FromSeed(1);
        var gaussian = new GaussianMixture([1], new[,] { { 3.0, -1 } }, new[,] { { 0.5, 2 } });
        var level = NoiseLevel.Of(0.8, 0.6);
        Assert.Equal((Least(level, 0.5) + Least(level, 2)) / 2, gaussian.LeastError(level, noise, 1), 1e-14);
        Assert.Equal(0, gaussian.LeastError(NoiseLevel.Of(1, 0), noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => gaussian.LeastError(level, noise, 0));
    }

    private static double Least(NoiseLevel level, double s) =>
        s * s * level.Sigma * level.Sigma / (level.Alpha * level.Alpha * s * s + level.Sigma * level.Sigma);

    // Something to train, by nothing: the exact network has no parameter.
    private sealed class WithParameter : DenoisingNetwork
    {
        private readonly DenoisingNetwork _exact;

        public readonly TorchSharp.Modules.Parameter nothing = nn.Parameter(zeros(1));

        public WithParameter(DenoisingNetwork exact) : base("WithParameter")
        {
            _exact = exact;
            nothing.DetachFromDisposeScope();
            register_parameter("nothing", nothing);
        }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            return (_exact.call(input1, input2, input3) + nothing).MoveToOuterDisposeScope();
        }
    }

    private sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
