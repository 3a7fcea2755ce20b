using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>How often, and how far back, samplers look.</summary>
public class EvaluationTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    // n evaluations in steps of third order, the last one or two of lower order. (Lu et al. 2022, DPM-Solver-fast)
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2, 1)]
    [InlineData(4, 3, 1)]
    [InlineData(5, 3, 2)]
    [InlineData(6, 3, 2, 1)]
    [InlineData(7, 3, 3, 1)]
    [InlineData(8, 3, 3, 2)]
    [InlineData(9, 3, 3, 2, 1)]
    public void FastSpendsItsEvaluationsInThirds(int evaluations, params int[] orders)
    {
        var sampler = new DpmFastSampler(evaluations);
        Assert.Equal(evaluations, sampler.Evaluations);
        Assert.Equal(orders, SpentEvaluations.Of(sampler, TimeGrid.FromTimes(Schedule, [0.9, 0.5], Schedule.At(0.05))));
        Assert.Equal([.. orders, 1], SpentEvaluations.Of(sampler, TimeGrid.FromTimes(Schedule, [0.9, 0.5, 0.05], Schedule.At(0)))); // and one at the last level
    }

    // Where another sampler walks a longer grid with it, the last order is kept.
    [Fact]
    public void FastWithinALongerGridStaysAtItsLastOrder()
    {
        using var scope = NewDisposeScope();
        var sampler = new ReplacementSampler(new DpmFastSampler(4), zeros(1, 1, dtype: float64), zeros(1, 1, dtype: ScalarType.Bool));
        var grid = TimeGrid.FromTimes(Schedule, [0.9, 0.7, 0.5, 0.3], Schedule.At(0.05));
        using var noise = NoiseSource.FromSeed(0);
        var asked = new Guidance.CountingDenoiser(Schedule);
        var counts = new List<int>();
        sampler.Sample(asked, ones(1, 1, dtype: float64), grid, noise, new SamplingHooks { OnStep = (_, _, _) => counts.Add(asked.Calls) });
        Assert.Equal([3, 4, 5, 6], counts);
    }

    // Within steps that another sampler chooses, the adaptive solver takes each as it is: DPM-Solver of its order.
    [Fact]
    public void TheAdaptiveSolverTakesStepsThatAreChosenForIt()
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.FromTimes(Schedule, [0.9, 0.7, 0.5], Schedule.At(0.2));
        Tensor Sample(Sampler inner)
        {
            using var noise = NoiseSource.FromSeed(0);
            var free = new ReplacementSampler(inner, zeros(1, 2, float64), zeros(1, 2, ScalarType.Bool)); // nothing is known
            return free.Sample(new Denoisers.GaussianDenoiser(Schedule, 0.3, 0.6), tensor(new[,] { { 0.7, -1.2 } }), grid, noise);
        }

        Assert.True(Sample(new DpmAdaptiveSampler(3)).allclose(Sample(new DpmSolverSinglestepSampler(3, SolverVariable.Noise)), 1e-10, 1e-10));
    }

    [Theory]
    [InlineData(PndmWarmUp.RungeKutta, 4, 4, 4, 1, 1, 1)]
    [InlineData(PndmWarmUp.ImprovedEuler, 2, 1, 1, 1, 1, 1)]
    [InlineData(PndmWarmUp.LowerOrders, 1, 1, 1, 1, 1, 1)]
    public void PndmWarmsUp(PndmWarmUp warmUp, params int[] expected)
    {
        Assert.Equal(expected, SpentEvaluations.Of(new PndmSampler(warmUp), TimeGrid.FromTimes(Schedule, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], Schedule.At(0.3))));
        // A run to the data that ends within the warm-up: nothing can be asked at the data.
        Assert.Equal([1], SpentEvaluations.Of(new PndmSampler(warmUp), TimeGrid.Uniform(Schedule, 1, from: 0.9)));
        Assert.Equal([expected[0], 1], SpentEvaluations.Of(new PndmSampler(warmUp), TimeGrid.Uniform(Schedule, 2, from: 0.9)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void AnInversionRefinesEveryStep(int refinements) =>
        Assert.Equal([1 + refinements, 1 + refinements, 1 + refinements], SpentEvaluations.Of(new InversionSampler(refinements), TimeGrid.Uniform(Schedule, 3, from: 0.9)));

    public static TheoryData<Sampler, int> Histories => new()
    {
        { new DdimSampler(), 0 },
        { new LinearMultistepSampler(1), 0 },
        { new LinearMultistepSampler(4), 3 },
        { new DeisSampler(1), 0 },
        { new DeisSampler(3), 2 },
        { new DpmSolverMultistepSampler(1), 0 },
        { new DpmSolverMultistepSampler(3), 2 },
        { new PndmSampler(), 3 },
        { new UniPcSampler(1), 1 },
        { new UniPcSampler(3), 3 },
        { new SaSolverSampler(predictorOrder: 1, correctorOrder: 0), 0 },
        { new SaSolverSampler(predictorOrder: 1, correctorOrder: 1), 1 },
        { new SaSolverSampler(predictorOrder: 3, correctorOrder: 1), 2 },
        { new SaSolverSampler(predictorOrder: 2, correctorOrder: 4), 3 },
        { new RestartSampler(new DeisSampler(3), [new RestartInterval(0.1, 1, 2)]), 2 },
    };

    // What a run keeps of earlier steps is memory: no more than the formula uses.
    [Theory]
    [MemberData(nameof(Histories), DisableDiscoveryEnumeration = true)]
    public void AHistoryIsAsLongAsTheFormulaLooksBack(Sampler sampler, int length) => Assert.Equal(length, sampler.HistoryLength);

    [Theory]
    [InlineData(14, 3, 3, 2, 1)]
    [InlineData(15, 3, 3, 3, 3)]
    public void ShortRunsDescendBelowFifteenSteps(int steps, params int[] last) => Assert.Equal(last, Limits(MultistepEnding.ShortRuns, steps));

    [Fact]
    public void EndingsLimitTheOrder()
    {
        Assert.Equal([3, 3, 3, 3], Limits(MultistepEnding.Full, 6));
        Assert.Equal([3, 3, 2, 1], Limits(MultistepEnding.Descending, 40));
        Assert.Equal([3, 3, 3, 1], Limits(MultistepEnding.EulerLast, 6));
        Assert.Equal([3, 3, 2, 1], Limits(new MultistepEnding(7, 2), 6));
        Assert.Equal([3, 3, 3, 2], Limits(new MultistepEnding(6, 2), 6));
    }

    // The orders of the last four steps of a method of third order.
    private static int[] Limits(MultistepEnding ending, int steps)
    {
        var grid = TimeGrid.Uniform(Schedule, steps);
        return [.. Enumerable.Range(steps - 4, 4).Select(i => ending.Limit(3, i, grid))];
    }
}
