using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class EntropicPlanTests
{
    private static double[,] Random(int rows, int columns, double scale = 1)
    {
        var random = new HostRandom(3);
        var cost = new double[rows, columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++) cost[i, j] = scale * random.NextDouble();
        return cost;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.05)]
    [InlineData(0.005)]
    public void MarginalsAreUniformToTheTolerance(double regularization)
    {
        var plan = EntropicPlan.Solve(Random(30, 20), regularization, 1e-8);
        Assert.True(Enumerable.Range(0, 30).Sum(i => Math.Abs(Enumerable.Range(0, 20).Sum(j => plan[i, j]) - 1.0 / 30)) < 1e-8);
        Assert.All(Enumerable.Range(0, 20), j => Assert.Equal(1.0 / 20, Enumerable.Range(0, 30).Sum(i => plan[i, j]), 1e-12));
    }

    // Costs 0 on the diagonal and c off it: π is symmetric and π₁₂/π₁₁ = e^{−c/ε}.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 0.5)]
    [InlineData(0.2, 2)]
    public void TwoByTwoHasItsClosedForm(double cost, double regularization)
    {
        var plan = EntropicPlan.Solve(new[,] { { 0, cost }, { cost, 0 } }, regularization, 1e-13);
        Assert.Equal(0.5 / (1 + Math.Exp(-cost / regularization)), plan[0, 0], 1e-12);
        Assert.Equal(plan[0, 1], plan[1, 0], 1e-13);
    }

    // ln π_ij + C_ij/ε is a sum of a term a row and a term a column: what makes a plan with these marginals the optimal one.
    [Fact]
    public void ThePlanIsAScaledGibbsKernel()
    {
        var cost = Random(8, 8);
        var plan = EntropicPlan.Solve(cost, 0.1, 1e-12);
        double Log(int i, int j) => Math.Log(plan[i, j]) + cost[i, j] / 0.1;
        for (var i = 1; i < 8; i++)
            for (var j = 1; j < 8; j++) Assert.Equal(0, Log(i, j) - Log(i, 0) - Log(0, j) + Log(0, 0), 1e-9);
    }

    // The entropic plan costs at most ε·ln n more than the cheapest one, because no plan with these marginals has less entropy than the assignment, or more than independence.
    [Fact]
    public void LittleEntropyIsTheAssignmentAndMuchIsIndependence()
    {
        var cost = Random(12, 12);
        var columns = LinearAssignment.Solve(cost);
        var least = Enumerable.Range(0, 12).Average(i => cost[i, columns[i]]);
        foreach (var regularization in new[] { 0.1, 0.01 })
        {
            var plan = EntropicPlan.Solve(cost, regularization, 1e-7, 100_000);
            var price = Enumerable.Range(0, 144).Sum(k => plan[k / 12, k % 12] * cost[k / 12, k % 12]);
            Assert.InRange(price, least - 1e-7, least + regularization * Math.Log(12) + 1e-7);
        }

        var flat = EntropicPlan.Solve(cost, 1e4);
        Assert.All(Enumerable.Range(0, 144), k => Assert.Equal(1.0 / 144, flat[k / 12, k % 12], 1e-6));
    }

    // Between N(0, s²) and N(m, t²) the entropic plan is Gaussian with covariance (√(ε²/4 + 4s²t²) − ε/2)/2 (Janati et al. 2020, for the cost |x − y|²).
    [Fact]
    public void TheCovarianceOfGaussiansIsThatOfTheirBridge()
    {
        using var scope = NewDisposeScope();
        const int Count = 600;
        double Quantile(int i) => NormalDistribution.Quantile((i + 0.5) / Count); // a grid in place of samples: no statistical error
        var cost = new double[Count, Count];
        for (var i = 0; i < Count; i++)
            for (var j = 0; j < Count; j++) cost[i, j] = Math.Pow(Quantile(i) - (0.3 + 0.5 * Quantile(j)), 2);
        var plan = EntropicPlan.Solve(cost, 0.5, 1e-7);
        var covariance = 0.0;
        for (var i = 0; i < Count; i++)
            for (var j = 0; j < Count; j++) covariance += plan[i, j] * Quantile(i) * 0.5 * Quantile(j);
        Assert.Equal((Math.Sqrt(0.0625 + 4 * 0.25) - 0.25) / 2, covariance, 0.003); // the tails that the grid leaves out are about 1/600 of the variance
    }

    [Fact]
    public void ForbiddenPairsAreNeverDrawn()
    {
        var cost = Random(6, 6);
        for (var i = 0; i < 6; i++)
            for (var j = 0; j < 6; j++)
                if (i / 3 != j / 3) cost[i, j] = double.PositiveInfinity;
        var plan = EntropicPlan.Solve(cost, 0.2, 1e-9);
        using var noise = NoiseSource.FromSeed(1);
        Assert.All(plan.Draw(1000, noise), pair => Assert.Equal(pair.Row / 3, pair.Column / 3));
    }

    [Fact]
    public void PairsAreDrawnAsOftenAsThePlanSays()
    {
        var plan = EntropicPlan.Solve(Random(4, 4), 0.3);
        using var noise = NoiseSource.FromSeed(2);
        var counts = new double[16];
        foreach (var (row, column) in plan.Draw(100_000, noise)) counts[row * 4 + column]++;
        Assert.True(Enumerable.Range(0, 16).Sum(k => Math.Pow(counts[k] - 1e5 * plan[k / 4, k % 4], 2) / (1e5 * plan[k / 4, k % 4])) < 37.7); // χ², 15 degrees of freedom, 0.1 %
    }

    [Fact]
    public void RefusesWhatHasNoPlan()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => EntropicPlan.Solve(Random(2, 2), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => EntropicPlan.Solve(Random(2, 2), 1, 0));
        Assert.Throws<ArgumentException>(() => EntropicPlan.Solve(new[,] { { double.NaN } }, 1));
        Assert.Throws<ArgumentException>(() => EntropicPlan.Solve(new[,] { { double.PositiveInfinity, 1 }, { double.PositiveInfinity, 1 } }, 1));
        Assert.Contains("iterations", Assert.Throws<InvalidOperationException>(() => EntropicPlan.Solve(Random(20, 20), 0.02, 1e-13, 20)).Message, StringComparison.Ordinal);
    }
}
