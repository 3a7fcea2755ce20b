using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class DenoisingObjectiveTests
{
    private static Parameterization[] Parameterizations =>
        [Parameterization.Epsilon(), Parameterization.Data(), Parameterization.V(), Parameterization.Score(), Parameterization.Velocity(), Parameterization.Edm()];

    private static NoiseSchedule[] Schedules =>
        [new RectifiedFlowSchedule(), new CosineSchedule(), new VariancePreservingSchedule(), new DiscreteSchedule(BetaSchedule.Linear())];

    // Every predicted quantity from its definition; the objective's folded factors must give the same target.
    [Fact]
    public void TargetsAreTheNamedQuantities()
    {
        foreach (var schedule in Schedules)
            foreach (var time in new[] { 0.002, 0.1, 0.5, 0.9, 0.998 })
                foreach (var parameterization in Parameterizations)
                {
                    var l = schedule.At(time);
                    var (x0, x1) = (0.83, -1.7);
                    var x = l.Alpha * x0 + l.Sigma * x1;
                    var power = l.Alpha * l.Alpha + l.Sigma * l.Sigma;
                    var variance = l.Sigma * l.Sigma + l.Alpha * l.Alpha * 0.25;
                    var expected = parameterization.Name switch
                    {
                        "epsilon" => x1,
                        "data" => x0,
                        "v" => l.Alpha * x1 - l.Sigma * x0,
                        "score" => -x1 / l.Sigma,
                        "velocity" => l.AlphaDot * x0 + l.SigmaDot * x1,
                        _ => (x0 - 0.25 * l.Alpha / variance * x) / (l.Sigma * 0.5 / Math.Sqrt(variance)),
                    };
                    var (a, b) = parameterization.At(l).Target(l);
                    Assert.Equal(expected, a * x0 + b * x1, 1e-12 * Math.Max(1, Math.Abs(expected)) / l.Sigma);
                }
    }

    // The whole loss against a literal formula, sample by sample with plain tensors, and its gradients against autograd of that formula.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void LossAndGradientAreThoseOfTheLiteralFormula(int index)
    {
        using var scope = NewDisposeScope();
        var parameterization = Parameterizations[index];
        var schedule = new CosineSchedule();
        var objective = new DenoisingObjective(schedule, parameterization) { Weighting = LossWeighting.MinSnr(), Times = TimeDistribution.Uniform(0.05, 0.95) };
        var network = new ScaleNetwork();
        using var data = NoiseSource.FromSeed(1);
        var x0 = data.Next([5, 2, 3], ScalarType.Float64, CPU);
        using var first = NoiseSource.FromSeed(2);
        var loss = objective.Loss(network, x0, null, first);
        var gradients = autograd.grad([loss], [network.w, network.b]);

        using var second = NoiseSource.FromSeed(2);
        var x1 = second.NextLike(x0);
        var times = objective.Times.Draw(5, schedule, second);
        var literal = zeros([], ScalarType.Float64);
        for (var i = 0; i < 5; i++)
        {
            var level = schedule.At(times[i]);
            var s = parameterization.At(level);
            var x = level.Alpha * x0[i] + level.Sigma * x1[i];
            var output = network.w * (s.In * x) + network.b * s.Label;
            var estimate = s.Skip * x + s.Out * output; // x̂₀
            var snr = Math.Exp(level.LogSnr);
            literal += Math.Min(snr, 5) * (estimate - x0[i]).square().mean() / 5;
        }

        var expected = autograd.grad([literal], [network.w, network.b]);
        Assert.Equal(literal.item<double>(), loss.item<double>(), 1e-12 * literal.item<double>());
        for (var p = 0; p < 2; p++) Assert.Equal(expected[p].item<double>(), gradients[p].item<double>(), 1e-11 * Math.Abs(expected[p].item<double>()));
    }

    // The exact noise estimate leaves E‖ε − ε̂‖² = mean over timesteps of ᾱs²/(ᾱs² + 1 − ᾱ): the floor that no training goes below.
    [Theory]
    [InlineData(0.5, false, 0.17305341)]
    [InlineData(1, false, 0.27551323)]
    [InlineData(0.5, true, 0.32765343)]
    [InlineData(1, true, 0.49557751)]
    public void ExactNetworkReachesTheFloorOfGaussianData(double deviation, bool cosine, double floor)
    {
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(cosine ? BetaSchedule.Cosine() : BetaSchedule.Linear());
        var parameterization = Parameterization.Epsilon(NoiseLabel.Timestep(1000));
        var objective = new DenoisingObjective(schedule, parameterization) { Times = TimeDistribution.Timesteps(1000).Stratified() };
        using var network = new ExactGaussianNetwork(parameterization, label => schedule.AtTimestep((int)Math.Round(label)), 0.3, deviation);
        using var noise = NoiseSource.FromSeed(11);
        var x0 = noise.Next([1000, 1000], ScalarType.Float32, CPU).mul_(deviation).add_(0.3); // every timestep once
        var loss = objective.Loss(network, x0, null, noise).item<float>();
        // Each of 10⁶ terms is floor_t·χ²₁: a relative error below √(2·10⁻⁶·mean(f²)/mean(f)²) < 0.3 %; four of them.
        Assert.Equal(floor, loss, 0.012 * floor);
    }

    // Karras et al. 2022: unit-variance targets, so that a network that returns 0 starts at 1 where the data has standard deviation σ_data.
    [Theory]
    [InlineData(0.25, 0.725453, 0.587437)]
    [InlineData(0.5, 1.0, 1.0)]
    [InlineData(1, 2.098187, 1.628323)]
    public void EdmLossStartsAndEndsAtItsClosedForm(double deviation, double start, double floor)
    {
        using var scope = NewDisposeScope();
        var schedule = new RectifiedFlowSchedule(); // any schedule: EDM's loss depends on σ/α alone
        var parameterization = Parameterization.Edm(0.5, NoiseLabel.Time());
        var objective = new DenoisingObjective(schedule, parameterization)
        {
            Weighting = LossWeighting.Edm(0.5),
            Times = TimeDistribution.LogNormal(-1.2, 1.2).Stratified(),
        };
        using var noise = NoiseSource.FromSeed(5);
        var x0 = noise.Next([2000, 1000], ScalarType.Float32, CPU).mul_(deviation);
        using var silent = new ScaleNetwork(0, 0, ScalarType.Float32);
        Assert.Equal(start, objective.Loss(silent, x0, null, noise).item<float>(), 0.006 * start); // 4·√(2/2·10⁶)·(spread between levels ≤ 1.5)
        using var exact = new ExactGaussianNetwork(parameterization, schedule.At, 0, deviation);
        Assert.Equal(floor, objective.Loss(exact, x0, null, noise).item<float>(), 0.006 * floor);
    }

    [Fact]
    public void RectifiedFlowFloorIsHalfPiTimesTheDeviation()
    {
        using var scope = NewDisposeScope();
        var schedule = new RectifiedFlowSchedule();
        var objective = new DenoisingObjective(schedule, Parameterization.Velocity()) { Times = TimeDistribution.Uniform().Stratified() };
        using var network = new ExactGaussianNetwork(Parameterization.Velocity(), label => schedule.At(label / 1000), 0, 0.5);
        using var noise = NoiseSource.FromSeed(6);
        var x0 = noise.Next([2000, 500], ScalarType.Float32, CPU).mul_(0.5);
        Assert.Equal(Math.PI / 4, objective.Loss(network, x0, null, noise).item<float>(), 0.008 * Math.PI / 4);
    }

    [Fact]
    public void TermsAverageToTheLossAndNameTheirLevels()
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(new CosineSchedule(), Parameterization.V());
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var terms = objective.Terms(network, ones(4, 3, ScalarType.Float64), null, noise);
        Assert.Equal([4], terms.PerSample!.shape);
        Assert.Equal(terms.Loss.item<double>(), terms.PerSample.mean().item<double>(), 1e-15);
        Assert.Equal(4, terms.Levels!.Count);
    }

    [Fact]
    public void ConditionsAreDroppedAtTheirRate()
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()) { ConditionDropout = 0.1 };
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(9);
        var labels = Enumerable.Range(0, 20_000).Select(i => (long)(i % 10)).ToArray();
        var given = Conditioning.ForClasses(labels, nullClass: 10);
        objective.Loss(network, zeros(20_000, 1, ScalarType.Float64), given, noise);
        var seen = network.LastCondition!.ClassLabels!;
        // disposed with the loss's scope: look at it through a network that counts instead
        using var counting = new CountingNetwork(nullClass: 10);
        objective.Loss(counting, zeros(20_000, 1, ScalarType.Float64), given, noise);
        Assert.InRange(counting.Dropped, 2000 - 170, 2000 + 170); // four standard deviations of a binomial
        Assert.Equal(20_000 - counting.Dropped, counting.Kept);
        Assert.Equal(labels, given.ClassLabels!.data<long>().ToArray()); // the caller's condition is untouched
        Assert.True(seen.IsInvalid);
    }

    [Fact]
    public void PairsAreReadFromTheStackedBatch()
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()) { Coupling = Coupling.Paired };
        using var network = new ScaleNetwork(0, 0);
        using var noise = NoiseSource.FromSeed(9);
        var x0 = full([4, 3], 2.0, ScalarType.Float64);
        var x1 = full([4, 3], 5.0, ScalarType.Float64);
        Assert.Equal(9, objective.Loss(network, stack([x0, x1], 1), null, noise).item<double>(), 1e-12); // (x₁ − x₀)²
        Assert.Throws<ArgumentException>(() => objective.Loss(network, x0, null, noise));
    }

    [Fact]
    public void RefusesWhatItCannotTrainOn()
    {
        using var scope = NewDisposeScope();
        var flow = new RectifiedFlowSchedule();
        var objective = new DenoisingObjective(flow, Parameterization.Epsilon()) { Times = TimeDistribution.Of(_ => 1) };
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var x0 = ones(2, 3, ScalarType.Float64);
        Assert.Contains("epsilon", Assert.Throws<InvalidOperationException>(() => objective.Loss(network, x0, null, noise)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => objective.Loss(network, ones(2, 3, ScalarType.Int64), null, noise));
        Assert.Throws<ArgumentException>(() => objective.Loss(network, ones(3, ScalarType.Float64), null, noise));
        Assert.Throws<ArgumentException>(() => objective.Loss(network, x0, Conditioning.ForClasses([1, 2, 3]), noise));
        Assert.Throws<ArgumentNullException>(() => objective.Loss(network, null!, null, noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DenoisingObjective(flow, Parameterization.V()) { ConditionDropout = 1.1 });
        Assert.Throws<ArgumentNullException>(() => new DenoisingObjective(flow, Parameterization.V()) { Weighting = null! });
        var dropping = new DenoisingObjective(flow, Parameterization.V()) { ConditionDropout = 1 };
        Assert.Throws<InvalidOperationException>(() => dropping.Loss(network, x0, Conditioning.ForClasses([1, 2]), noise));
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        var objective = new DenoisingObjective(new CosineSchedule(), Parameterization.V()) { ConditionDropout = 0.5 };
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var x0 = ones(2, 3, ScalarType.Float64);
        var condition = Conditioning.ForClasses([1, 2], nullClass: 3);
        var before = LiveTensors.Count();
        var loss = objective.Loss(network, x0, condition, noise);
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.False(x0.IsInvalid);
        Assert.False(loss.IsInvalid);
    }
}
