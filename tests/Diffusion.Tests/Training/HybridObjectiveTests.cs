using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class HybridObjectiveTests
{
    private static readonly DiscreteSchedule Schedule = new(BetaSchedule.Cosine(8));

    private static Parameterization Epsilon => Parameterization.Epsilon(NoiseLabel.Timestep(8));

    private static Tensor Data(int batch = 16)
    {
        using var noise = NoiseSource.FromSeed(1);
        return noise.Next([batch, 1, 3], ScalarType.Float64, CPU);
    }

    private static (double Loss, double Mean, double Variance) Gradients(TrainingObjective objective, DenoisingNetwork network, Tensor mean, Tensor variance)
    {
        using var noise = NoiseSource.FromSeed(7);
        var loss = objective.Loss(network, Data(), null, noise);
        var gradients = autograd.grad([loss], [mean, variance], allow_unused: true);
        return (loss.item<double>(), gradients[0].item<double>(), gradients[1].item<double>());
    }

    [Fact]
    public void TheMeanIsTrainedAsWithoutTheBound()
    {
        using var scope = NewDisposeScope();
        using var network = new TwoHeadNetwork(0.4, 0.3);
        var slight = Gradients(new HybridObjective(Schedule.Grid(8), Epsilon) { BoundWeight = 1e-12 }, network, network.w, network.v);
        var heavy = Gradients(new HybridObjective(Schedule.Grid(8), Epsilon) { BoundWeight = 10 }, network, network.w, network.v);
        Assert.NotEqual(0, slight.Mean);
        Assert.Equal(slight.Mean, heavy.Mean, 1e-9 * Math.Abs(slight.Mean));
        Assert.True(Math.Abs(heavy.Variance) > 0.01);
        Assert.Equal(heavy.Variance / 10, slight.Variance / 1e-12, 1e-9 * Math.Abs(heavy.Variance));
        Assert.True(heavy.Loss > slight.Loss + 0.01);
        // The bound alone does move the mean.
        Assert.NotEqual(slight.Mean, Gradients(new VariationalObjective(Schedule.Grid(8), Epsilon), network, network.w, network.v).Mean, 1e-3);
    }

    // Sample by sample from the definitions: ε regression, the divergence of two Gaussians, and the discretised decoder at the last step.
    [Theory]
    [InlineData(ReverseVariance.LearnedRange, false)]
    [InlineData(ReverseVariance.LearnedRange, true)]
    [InlineData(ReverseVariance.LearnedLog, false)]
    public void TheLossIsTheLiteralFormula(ReverseVariance variance, bool onLevels)
    {
        using var scope = NewDisposeScope();
        using var network = new TwoHeadNetwork(0.4, variance == ReverseVariance.LearnedLog ? -2 : 0.3);
        var decoder = onLevels ? new DiscretizedGaussian(new Quantization(32, -2, 2)) : null;
        var grid = Schedule.Grid(8);
        var objective = new HybridObjective(grid, Epsilon, variance) { BoundWeight = 0.01, Decoder = decoder };
        using var noise = NoiseSource.FromSeed(7);
        var x0 = decoder is null ? Data() : (Data() / decoder.Levels.Step + 0.5).round_().sub_(0.5).mul_(decoder.Levels.Step).clamp_(-2, 2);
        var terms = objective.Terms(network, x0, null, noise);

        using var again = NoiseSource.FromSeed(7);
        var x1 = again.NextLike(x0);
        var seen = new HashSet<bool>();
        for (var i = 0; i < 16; i++)
        {
            var step = Enumerable.Range(0, 8).Single(k => grid[k].At.Level == terms.Levels![i]);
            var (from, to) = (grid[step].At.Level, grid[step].To);
            var x = from.Alpha * x0[i] + from.Sigma * x1[i];
            var (noiseOf, output) = (x * network.w, network.v + 0.1 * x);
            var simple = (noiseOf - x1[i]).square().mean().item<double>();
            var estimate = (x - from.Sigma * noiseOf) / from.Alpha;
            var transition = new Transition(from, to);
            var small = to.IsClean ? new Transition(grid[6].At.Level, grid[6].To).PosteriorVariance : transition.PosteriorVariance;
            var share = (output + 1) / 2;
            var logVariance = variance == ReverseVariance.LearnedLog ? output : share * Math.Log(transition.ForwardVariance) + (1 - share) * Math.Log(small);
            var shift = (x0[i] - estimate) * transition.PosteriorData;
            var bound = !to.IsClean ? (logVariance - Math.Log(small) + (small + shift.square()) / logVariance.exp() - 1) / 2
                : decoder is null ? (logVariance + Math.Log(2 * Math.PI) + (x0[i] - estimate).square() / logVariance.exp()) / 2
                : decoder.LogProbability(x0[i], estimate, logVariance).neg();
            var expected = simple + 0.01 * 8 * bound.mean().item<double>();
            Assert.Equal(expected, terms.PerSample![i].item<double>(), 1e-10 * Math.Abs(expected));
            seen.Add(to.IsClean);
        }

        Assert.Equal(2, seen.Count);
        Assert.Equal(terms.PerSample!.mean().item<double>(), terms.Loss.item<double>(), 1e-12);
    }

    [Fact]
    public void EachStepIsDrawnEvenly()
    {
        using var scope = NewDisposeScope();
        using var network = new TwoHeadNetwork(0.4, 0.3);
        using var noise = NoiseSource.FromSeed(3);
        var levels = new HybridObjective(Schedule.Grid(8), Epsilon).Terms(network, Data(64), null, noise).Levels!;
        Assert.All(levels.GroupBy(level => level.Time), group => Assert.Equal(8, group.Count()));
        Assert.NotEqual(levels.Select(level => level.Time).Order(), levels.Select(level => level.Time));
    }

    [Fact]
    public void WhatDoesNotFitIsAnError()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        using var single = new ScaleNetwork();
        Assert.Contains("twice the channels", Assert.Throws<InvalidOperationException>(() => new HybridObjective(Schedule.Grid(8), Epsilon).Loss(single, Data(), null, noise)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new HybridObjective(Schedule.Grid(8), Epsilon, ReverseVariance.Small));
        Assert.Throws<ArgumentException>(() => new VariationalObjective(Schedule.Grid(8), Epsilon) { Importance = new LossSecondMoment(7) });
        var pureNoise = new CosineSchedule();
        Assert.Contains("step 0", Assert.Throws<InvalidOperationException>(() =>
            new VariationalObjective(TimeGrid.Uniform(pureNoise, 2), Parameterization.Epsilon(), ReverseVariance.Small).Loss(single, Data(), null, noise)).Message, StringComparison.Ordinal);
    }
}
