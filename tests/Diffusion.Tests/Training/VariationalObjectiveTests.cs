using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class VariationalObjectiveTests
{
    private const int Steps = 20;
    private static readonly DiscreteSchedule Schedule = new(BetaSchedule.Cosine(Steps));
    private static readonly Parameterization V = Parameterization.V(NoiseLabel.Timestep(Steps));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ExactGaussianNetwork Exact() => new(V, label => Schedule.AtTimestep((int)Math.Round(label)), 0, 0.5);

    private static (double Mean, double Error) Average(VariationalObjective objective, Tensor x0, int runs)
    {
        using var network = Exact();
        using var noise = NoiseSource.FromSeed(11);
        var values = new double[runs];
        for (var i = 0; i < runs; i++)
        {
            using var scope = NewDisposeScope();
            values[i] = objective.Loss(network, x0, null, noise).item<double>();
        }

        var mean = values.Average();
        return (mean, Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (runs - 1) / runs));
    }

    [Fact]
    public void ItIsTheBoundWithoutThePriorWithAndWithoutImportance()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var x0 = noise.Next([32, 4], ScalarType.Float64, CPU).mul_(0.5);
        var terms = Enumerable.Range(0, 200).Select(_ =>
        {
            using var inner = NewDisposeScope();
            var found = new VariationalBound(ReverseVariance.Large).Evaluate(new GaussianDenoiser(Schedule, 0, 0.5), x0, Schedule.Grid(Steps), noise);
            return (found.Total - found.Prior).mean().item<double>() / 4;
        }).ToArray();
        var truth = terms.Average();
        var truthError = Math.Sqrt(terms.Sum(value => (value - truth) * (value - truth)) / 199 / 200);
        using var memory = new LossSecondMoment(Steps);
        var objective = new VariationalObjective(Schedule.Grid(Steps), V, ReverseVariance.Large) { Importance = memory };
        Assert.Same(memory, objective.Module);
        Assert.All(memory.Probabilities(), p => Assert.Equal(1.0 / Steps, p));
        Average(objective, x0, 40); // until every step has been seen ten times
        var probabilities = memory.Probabilities();
        Assert.Equal(1, probabilities.Sum(), 1e-12);
        Assert.True(probabilities.Max() > 3 * probabilities.Min());
        var (mean, error) = Average(objective, x0, 400);
        Assert.Equal(truth, mean, 4 * double.Hypot(error, truthError));
        var even = Average(new VariationalObjective(Schedule.Grid(Steps), V, ReverseVariance.Large), x0, 400);
        Assert.Equal(truth, even.Mean, 4 * double.Hypot(even.Error, truthError));
    }

    [Fact]
    public void StepsAreDrawnInProportionToTheRootOfTheMeanSquare()
    {
        using var scope = NewDisposeScope();
        using var memory = new LossSecondMoment(3, memory: 2, evenShare: 0.1);
        memory.Learn([0, 0, 1, 1, 2], tensor(new[] { 3.0, 4.0, 9.0, 1.0, 7.0 }));
        Assert.All(memory.Probabilities(), p => Assert.Equal(1.0 / 3, p)); // the last has been seen once
        memory.Learn([2, 1, 2], tensor(new[] { 0.0, 1.0, double.NaN })); // 9 is forgotten, what is not finite not learned
        double[] roots = [Math.Sqrt(12.5), 1, Math.Sqrt(24.5)];
        var expected = Array.ConvertAll(roots, root => 0.9 * root / roots.Sum() + 0.1 / 3);
        var found = memory.Probabilities();
        for (var t = 0; t < 3; t++) Assert.Equal(expected[t], found[t], 1e-12);
        using var noise = NoiseSource.FromSeed(1);
        var (steps, weights) = memory.Draw(30_000, noise);
        for (var t = 0; t < 3; t++) Assert.Equal(expected[t], steps.Count(step => step == t) / 30_000.0, 4 * Math.Sqrt(0.25 / 30_000));
        Assert.All(steps.Zip(weights), pair => Assert.Equal(1 / (3 * expected[pair.First]), pair.Second, 1e-12));
    }

    // The memory decides which steps are drawn: without it in the checkpoint the second half would train on others.
    [Fact]
    public void AResumedRunDrawsWhatTheUninterruptedOneWould()
    {
        using var thread = new OneThread();
        using var folder = new TemporaryFolder();
        byte[] Run(string name, params int[] parts)
        {
            using var data = PlaneMixture.DataSet(256);
            byte[] bytes = [];
            foreach (var until in parts)
            {
                using var scope = NewDisposeScope();
                random.manual_seed(1).Dispose();
                using var network = new Mlp(2, 8, 1);
                using var loader = new DataLoader(data, 32);
                using var memory = new LossSecondMoment(4, memory: 2, evenShare: 0.01);
                var schedule = new DiscreteSchedule(BetaSchedule.Cosine(4));
                var objective = new VariationalObjective(schedule.Grid(4), Parameterization.V(), ReverseVariance.Large) { Importance = memory };
                using var run = new TrainingRun(network, objective, loader, new() { Update = UpdateRule.AdamW(1e-2), Steps = until, CheckpointFolder = Path.Combine(folder.Path, name) });
                run.Resume();
                Assert.Equal(TrainingOutcome.Completed, run.Train(cancellationToken: Token));
                Assert.NotEqual(0.25, memory.Probabilities()[0], 1e-6);
                bytes = [.. network.parameters().SelectMany(p => p.bytes.ToArray()), .. memory.state_dict().Values.SelectMany(t => t.bytes.ToArray())];
            }

            return bytes;
        }

        Assert.Equal(Run("whole", 12), Run("halves", 6, 12));
    }
}
