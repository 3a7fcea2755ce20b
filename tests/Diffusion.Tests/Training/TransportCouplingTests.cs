using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class TransportCouplingTests
{
    private static double Cost(CoupledBatch pairs) => (pairs.Data - pairs.Noise).square().flatten(1).sum([1L]).mean().item<double>();

    private static long[] Sorted(Tensor t) => [.. t.argsort(0).data<long>().ToArray()];

    [Fact]
    public void OnlyTheNoiseIsPermuted()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        using var same = NoiseSource.FromSeed(1);
        var x0 = zeros(32, 3, float64).normal_();
        var condition = Conditioning.ForClasses([.. Enumerable.Range(0, 32).Select(i => (long)(i % 4))]);
        var pairs = new OptimalTransportCoupling { WithinClasses = false }.Couple(x0, condition, noise);
        var drawn = same.NextLike(x0);
        Assert.True(pairs.Data.eq(x0).all().item<bool>());
        Assert.Same(condition, pairs.Condition);
        Assert.False(pairs.Noise.eq(drawn).all().item<bool>());
        Assert.True(pairs.Noise.sort(0).Values.eq(drawn.sort(0).Values).all().item<bool>()); // column by column the same numbers
        Assert.True(Cost(pairs) < Cost(new CoupledBatch(x0, drawn, null)));
    }

    // Points of any rank: the cost of a batch of images is that of the same numbers in a row.
    [Fact]
    public void AnyRankIsItsFlatNumbers()
    {
        using var scope = NewDisposeScope();
        var pairs = randn([24, 2, 3, 2, 2], dtype: float64);
        var x = stack([pairs, randn([24, 2, 3, 2, 2], dtype: float64)], 1).select(2, 0); // [24, 2, 3, 2, 2]
        using var noise = NoiseSource.FromSeed(1);
        var images = new OptimalTransportCoupling(Coupling.Paired).Couple(x, null, noise);
        var rows = new OptimalTransportCoupling(Coupling.Paired).Couple(x.flatten(2), null, noise);
        Assert.Equal([24, 3, 2, 2], images.Noise.shape);
        Assert.True(images.Noise.flatten(1).eq(rows.Noise).all().item<bool>());
    }

    // In one dimension the plan is the sorted pairing; its cost tends to (m² + (s − 1)²), the squared Wasserstein distance of N(0, 1) and N(m, s²), and is m² + s² + 1 for a batch of one.
    [Fact]
    public void CostFallsFromIndependenceToTheWassersteinDistance()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        var coupling = new OptimalTransportCoupling();
        double Mean(int batch, int repetitions) => Enumerable.Range(0, repetitions).Average(_ =>
        {
            using var inner = NewDisposeScope();
            return Cost(coupling.Couple(noise.Next([batch, 1], ScalarType.Float64, CPU).mul_(0.5).add_(0.3), null, noise));
        });
        Assert.Equal(1.34, Mean(1, 4000), 0.11); // standard deviation of one cost 1.8: four standard errors
        var (few, more) = (Mean(4, 1000), Mean(32, 200));
        Assert.InRange(few, more, 1.34);
        Assert.Equal(0.34, Mean(600, 8), 0.03);
        var one = coupling.Couple(randn(50, 1, dtype: float64), null, noise);
        Assert.Equal(Sorted(one.Data.select(1, 0)), Sorted(one.Noise.select(1, 0)));
    }

    // The label of a datum is its first number, so that a pair that lost its label shows.
    [Fact]
    public void ConditionsGoAlongWithTheData()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var labels = Enumerable.Range(0, 40).Select(i => (long)(i % 5)).ToArray();
        var x0 = cat([tensor(labels).to(float64).unsqueeze(1), randn(40, 1, dtype: float64)], 1);
        var condition = new Conditioning { ClassLabels = tensor(labels), Vector = tensor(labels).to(float32).unsqueeze(1) * 2 };
        foreach (var coupling in new Coupling[] { new OptimalTransportCoupling(), new EntropicTransportCoupling(0.5), EntropicTransportCoupling.SchrodingerBridge(0.5) })
        {
            var pairs = coupling.Couple(x0, condition, noise);
            Assert.True(pairs.Data.select(1, 0).to(int64).eq(pairs.Condition!.ClassLabels!).all().item<bool>());
            Assert.True(pairs.Condition.Vector!.select(1, 0).to(int64).eq(pairs.Condition.ClassLabels! * 2).all().item<bool>());
        }
    }

    // Noise j was drawn beside datum j, whose class it keeps: within classes no noise changes class, and without it they do.
    [Fact]
    public void NoiseStaysInItsClass()
    {
        using var scope = NewDisposeScope();
        var labels = Enumerable.Range(0, 60).Select(i => (long)(i % 3)).ToArray();
        var data = tensor(labels).to(float64).unsqueeze(1) * 5;
        var tagged = stack([data, randn(60, 1, dtype: float64) + tensor(labels).unsqueeze(1) * 100], 1); // the noise carries its class
        var condition = Conditioning.ForClasses(labels);
        using var noise = NoiseSource.FromSeed(3);
        foreach (var coupling in new Coupling[] { new OptimalTransportCoupling(Coupling.Paired), new EntropicTransportCoupling(1, Coupling.Paired) })
        {
            var pairs = coupling.Couple(tagged, condition, noise);
            Assert.True((pairs.Noise.select(1, 0) / 100).round().to(int64).eq(pairs.Condition!.ClassLabels!).all().item<bool>());
        }

    }

    // Against every permutation there is: of four points, and of the four of each class among eight.
    [Theory]
    [InlineData(0)]
    [InlineData(0.7)]
    public void ThePlanIsTheBestOfAllPermutations(double weight)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(8);
        var pairs = noise.Next([8, 2, 3], ScalarType.Float64, CPU);
        var vector = noise.Next([8, 2], ScalarType.Float64, CPU).mul_(2);
        var costs = new double[8, 8];
        for (var i = 0; i < 8; i++)
            for (var j = 0; j < 8; j++) costs[i, j] = (pairs[i, 0] - pairs[j, 1]).square().sum().item<double>() + weight * (vector[i] - vector[j]).square().sum().item<double>();
        int[] Best(int[] members) => Permutations(members).MinBy(order => members.Select((datum, i) => costs[datum, order[i]]).Sum())!;
        int[] Found(Conditioning condition, bool withinClasses)
        {
            var found = new OptimalTransportCoupling(Coupling.Paired) { VectorWeight = weight, WithinClasses = withinClasses }.Couple(pairs, condition, noise).Noise;
            return [.. Enumerable.Range(0, 8).Select(i => Enumerable.Range(0, 8).Single(j => found[i].eq(pairs[j, 1]).all().item<bool>()))];
        }

        var classes = new Conditioning { ClassLabels = tensor([5L, 7, 7, 5, 5, 7, 5, 7]), Vector = vector };
        var (fives, sevens) = (Best([0, 3, 4, 6]), Best([1, 2, 5, 7]));
        int[] within = [fives[0], sevens[0], sevens[1], fives[1], fives[2], sevens[2], fives[3], sevens[3]];
        Assert.Equal(within, Found(classes, withinClasses: true));
        var all = Best([.. Enumerable.Range(0, 8)]);
        Assert.Equal(all, Found(classes, withinClasses: false));
        Assert.NotEqual(within, all);
    }

    [Fact]
    public void PairsAndConditionsThatDoNotFitAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        Assert.Contains("[2, 3] and noise [2, 4]", Assert.Throws<InvalidOperationException>(() => new OptimalTransportCoupling(new Given(ones(2, 3), ones(2, 4))).Couple(ones(2, 3), null, noise)).Message, StringComparison.Ordinal);
        Assert.Contains("[] and noise []", Assert.Throws<InvalidOperationException>(() => new OptimalTransportCoupling(new Given(tensor(1f), tensor(2f))).Couple(ones(2, 3), null, noise)).Message, StringComparison.Ordinal);
        foreach (var (vector, shape) in new[] { (tensor(1f), "[]"), (ones(3), "[3]") })
            Assert.Contains($"shape {shape}", Assert.Throws<ArgumentException>(() => new OptimalTransportCoupling().Couple(ones(2, 3), new Conditioning { Vector = vector }, noise)).Message, StringComparison.Ordinal);
    }

    private sealed class Given(Tensor data, Tensor other) : Coupling
    {
        public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise) => new(data.alias(), other.alias(), condition);
    }

    private static IEnumerable<int[]> Permutations(int[] members) =>
        members.Length == 1 ? [members] : members.SelectMany(first => Permutations([.. members.Where(other => other != first)]).Select(rest => (int[])[first, .. rest]));

    // Translation between two kinds of data whose labels belong to x₁: after the exchange each x₁ still has its label.
    [Fact]
    public void ConditionsOfTheOtherEndMoveWithIt()
    {
        using var scope = NewDisposeScope();
        var labels = Enumerable.Range(0, 30).Select(i => (long)i).ToArray();
        var other = tensor(labels).to(float64).unsqueeze(1);
        var batch = stack([randperm(30).to(float64).unsqueeze(1), other], 1);
        using var noise = NoiseSource.FromSeed(3);
        var pairs = new OptimalTransportCoupling(Coupling.Paired) { WithinClasses = false, ConditionsMoveWithNoise = true }.Couple(batch, Conditioning.ForClasses(labels), noise);
        Assert.Equal(0, Cost(pairs), 1e-12); // the same numbers in another order
        Assert.True(pairs.Noise.select(1, 0).to(int64).eq(pairs.Condition!.ClassLabels!).all().item<bool>());
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var x0 = randn(8, 2);
        var condition = Conditioning.ForClasses([0, 1, 0, 1, 0, 1, 0, 1]);
        foreach (var (coupling, made) in new (Coupling, int)[] { (new OptimalTransportCoupling(), 2), (new EntropicTransportCoupling(1), 3) })
        {
            var before = LiveTensors.Count();
            using (var inner = NewDisposeScope())
            {
                coupling.Couple(x0, condition, noise);
                Assert.Equal(before + made, LiveTensors.Count());
            }

            Assert.Equal(before, LiveTensors.Count());
            Assert.False(condition.ClassLabels!.IsInvalid);
        }
    }

    [Fact]
    public void RefusesBadSettings()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EntropicTransportCoupling(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => EntropicTransportCoupling.SchrodingerBridge(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OptimalTransportCoupling { VectorWeight = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EntropicTransportCoupling(1) { Tolerance = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EntropicTransportCoupling(1) { MaxIterations = 0 });
    }
}
