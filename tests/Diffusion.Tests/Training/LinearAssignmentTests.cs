using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class LinearAssignmentTests
{
    // Every permutation of up to six rows, over costs of several kinds: uniform, with ties, negative, and with more columns than rows.
    [Fact]
    public void IsTheBestOfAllAssignments()
    {
        var random = new HostRandom(1);
        for (var trial = 0; trial < 300; trial++)
        {
            var rows = 1 + trial % 6;
            var cost = new double[rows, rows + trial / 6 % 3];
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < cost.GetLength(1); j++)
                    cost[i, j] = trial % 3 switch { 0 => random.NextDouble(), 1 => random.NextInteger(4), _ => -10 * random.NextDouble() };
            var columns = LinearAssignment.Solve(cost);
            Assert.Equal(rows, columns.Distinct().Count());
            Assert.Equal(Best(cost, 0, new bool[cost.GetLength(1)]), Enumerable.Range(0, rows).Sum(i => cost[i, columns[i]]), 1e-12);
        }
    }

    // On a line the cheapest assignment for a convex cost is the sorted one.
    [Fact]
    public void SortsPointsOfALine()
    {
        var random = new HostRandom(2);
        var (a, b) = (Points(200), Points(200));
        var cost = new double[200, 200];
        for (var i = 0; i < 200; i++)
            for (var j = 0; j < 200; j++) cost[i, j] = (a[i] - b[j]) * (a[i] - b[j]);
        var columns = LinearAssignment.Solve(cost);
        var (orderA, orderB) = (Order(a), Order(b));
        for (var k = 0; k < 200; k++) Assert.Equal(orderB[k], columns[orderA[k]]);

        double[] Points(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())];
        static int[] Order(double[] values) => [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i])];
    }

    [Fact]
    public void RefusesWhatHasNoAssignment()
    {
        Assert.Throws<ArgumentNullException>(() => LinearAssignment.Solve(null!));
        Assert.Throws<ArgumentException>(() => LinearAssignment.Solve(new double[2, 1]));
        Assert.Throws<ArgumentException>(() => LinearAssignment.Solve(new double[0, 0]));
        Assert.Throws<ArgumentException>(() => LinearAssignment.Solve(new[,] { { double.PositiveInfinity } }));
    }

    private static double Best(double[,] cost, int row, bool[] taken)
    {
        if (row == cost.GetLength(0)) return 0;
        var best = double.PositiveInfinity;
        for (var column = 0; column < taken.Length; column++)
        {
            if (taken[column]) continue;
            taken[column] = true;
            best = Math.Min(best, cost[row, column] + Best(cost, row + 1, taken));
            taken[column] = false;
        }

        return best;
    }
}
