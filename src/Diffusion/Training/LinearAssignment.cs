using System.Runtime.InteropServices;

namespace Diffusion.Training;

/// <summary>
/// The cheapest assignment of rows to columns, exactly: shortest augmenting paths with dual prices, in O(rows²·columns). (Kuhn 1955; Jonker and Volgenant 1987)
/// </summary>
internal static class LinearAssignment
{
    /// <summary>Assigns every row a column of its own so that the sum of the costs is least.</summary>
    /// <param name="cost">[rows, columns], finite, at least as many columns as rows, at least one row.</param>
    /// <returns>The column of each row.</returns>
    /// <exception cref="ArgumentException">There are fewer columns than rows, no row, or a cost is not finite.</exception>
    public static int[] Solve(double[,] cost)
    {
        ArgumentNullException.ThrowIfNull(cost);
        var (rows, columns) = (cost.GetLength(0), cost.GetLength(1));
        if (rows == 0 || columns < rows)
            throw new ArgumentException($"The cost is [{rows}, {columns}]; at least one row and as many columns as rows are needed.", nameof(cost));
        foreach (var value in cost)
            if (!double.IsFinite(value)) throw new ArgumentException($"A cost is {value}; costs must be finite.", nameof(cost));
        return Solve(MemoryMarshal.CreateReadOnlySpan(ref cost[0, 0], cost.Length), rows, columns);
    }

    /// <summary>The same for costs row by row, which are known to be finite.</summary>
    internal static int[] Solve(ReadOnlySpan<double> cost, int rows, int columns)
    {
        var rowOf = new int[columns]; // −1: free
        Array.Fill(rowOf, -1);
        var (rowPrice, columnPrice) = (new double[rows], new double[columns]);
        for (var row = 0; row < rows; row++) Augment(cost, row, rowOf, rowPrice, columnPrice);
        var columnOf = new int[rows];
        for (var column = 0; column < columns; column++)
            if (rowOf[column] >= 0) columnOf[rowOf[column]] = column;
        return columnOf;
    }

    // Dijkstra's search in reduced costs for the shortest path from a row without a column to a free column; then the columns along it change hands.
    private static void Augment(ReadOnlySpan<double> cost, int start, int[] rowOf, double[] rowPrice, double[] columnPrice)
    {
        var columns = rowOf.Length;
        var distance = new double[columns];
        Array.Fill(distance, double.PositiveInfinity);
        var (before, done) = (new int[columns], new bool[columns]); // the column before on the path; −1 is the start
        var (row, last, reached) = (start, -1, 0.0);
        while (true)
        {
            var (next, least) = (-1, double.PositiveInfinity);
            for (var column = 0; column < columns; column++)
            {
                if (done[column]) continue;
                var through = reached + cost[row * columns + column] - rowPrice[row] - columnPrice[column];
                if (through < distance[column]) (distance[column], before[column]) = (through, last);
                if (distance[column] < least) (next, least) = (column, distance[column]);
            }

            (reached, last) = (least, next);
            if (rowOf[next] < 0) break;
            done[next] = true;
            row = rowOf[next];
        }

        // Prices that keep every reduced cost at least 0, and 0 along the assignment.
        rowPrice[start] += reached;
        for (var column = 0; column < columns; column++)
        {
            if (!done[column]) continue;
            rowPrice[rowOf[column]] += reached - distance[column];
            columnPrice[column] -= reached - distance[column];
        }

        while (last >= 0)
        {
            var previous = before[last];
            rowOf[last] = previous < 0 ? start : rowOf[previous];
            last = previous;
        }
    }
}
