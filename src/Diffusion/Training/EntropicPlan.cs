using System.Buffers;
using System.Numerics;

namespace Diffusion.Training;

/// <summary>
/// The transport plan that minimises ⟨π, C⟩ − ε·H(π) with uniform marginals: Sinkhorn's iteration on the logarithms, with ε lowered step by step to its
/// value. (Cuturi 2013; Peyré and Cuturi 2019, section 4.4) Immutable; plain numbers.
/// </summary>
internal sealed class EntropicPlan
{
    private const int Between = 50; // iterations between two looks at the marginals
    private readonly double[] _cost; // row by row
    private readonly double[] _rowPotentials;
    private readonly double[] _columnPotentials;
    private readonly double[] _rowEnds; // cumulative probabilities of the rows, for drawing
    private readonly double _epsilon;

    private EntropicPlan(double[] cost, double[] rowPotentials, double[] columnPotentials, double epsilon, int iterations)
    {
        (_cost, _rowPotentials, _columnPotentials, _epsilon, Iterations) = (cost, rowPotentials, columnPotentials, epsilon, iterations);
        _rowEnds = new double[Rows];
        var sum = 0.0;
        for (var i = 0; i < Rows; i++)
        {
            for (var j = 0; j < Columns; j++) sum += Probability(i, j);
            _rowEnds[i] = sum;
        }
    }

    /// <summary>Number of rows.</summary>
    public int Rows => _rowPotentials.Length;

    /// <summary>Number of columns.</summary>
    public int Columns => _columnPotentials.Length;

    /// <summary>Iterations that it took.</summary>
    public int Iterations { get; }

    /// <summary>The probability of a pair; all of them sum to 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row or column.</exception>
    public double this[int row, int column]
    {
        get
        {
            if ((uint)row >= (uint)Rows) throw new ArgumentOutOfRangeException(nameof(row), row, $"The plan has the rows 0 … {Rows - 1}.");
            if ((uint)column >= (uint)Columns) throw new ArgumentOutOfRangeException(nameof(column), column, $"The plan has the columns 0 … {Columns - 1}.");
            return Probability(row, column);
        }
    }

    /// <summary>Finds the plan.</summary>
    /// <param name="cost">[rows, columns]; +∞ forbids a pair. Every row and column must have a finite cost.</param>
    /// <param name="regularization">ε in the unit of the costs, positive. For a squared distance 2σ² is the Schrödinger bridge whose reference is Brownian motion of variance σ².</param>
    /// <param name="tolerance">How far the marginals may be off, summed over rows, positive.</param>
    /// <param name="maxIterations">At least 1.</param>
    /// <exception cref="ArgumentException">A cost is NaN or −∞, or a row or column forbids everything.</exception>
    /// <exception cref="InvalidOperationException">The tolerance was not reached: raise the regularization, the tolerance or the number of iterations.</exception>
    public static EntropicPlan Solve(double[,] cost, double regularization, double tolerance = 1e-6, int maxIterations = 10_000)
    {
        ArgumentNullException.ThrowIfNull(cost);
        CheckPositive(regularization, nameof(regularization));
        CheckPositive(tolerance, nameof(tolerance));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxIterations, 1);
        var (rows, columns) = (cost.GetLength(0), cost.GetLength(1));
        var values = new double[rows * columns];
        Buffer.BlockCopy(cost, 0, values, 0, values.Length * sizeof(double));
        CheckCost(values, rows, columns);
        return Solve(values, rows, columns, regularization, tolerance, maxIterations);
    }

    /// <summary>The same for costs row by row, which are kept: they must stay as they are for as long as the plan is used.</summary>
    internal static EntropicPlan Solve(double[] cost, int rows, int columns, double regularization, double tolerance, int maxIterations)
    {
        var (least, greatest) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (var value in cost.AsSpan(0, rows * columns))
            if (double.IsFinite(value)) (least, greatest) = (Math.Min(least, value), Math.Max(greatest, value));
        var kernel = ArrayPool<double>.Shared.Rent(rows * columns);
        try
        {
            var (f, g) = (new double[rows], new double[columns]); // potentials in the unit of the costs
            var iterations = 0;
            for (var epsilon = Math.Max(regularization, (greatest - least) / 8); ; epsilon = Math.Max(regularization, epsilon / 4))
            {
                var last = epsilon == regularization;
                while (Improve(f, g, cost, kernel, epsilon) is var error && error > (last ? tolerance : 0.1))
                {
                    iterations += Between;
                    if (iterations < maxIterations) continue;
                    throw new InvalidOperationException(
                        $"Sinkhorn's iteration left the marginals off by {error:g3} after {iterations} iterations; {tolerance:g3} was asked for. Raise the regularization ({regularization:g3}), the tolerance or the number of iterations.");
                }

                if (last) return new EntropicPlan(cost, f, g, regularization, iterations + Between);
            }
        }
        finally
        {
            ArrayPool<double>.Shared.Return(kernel);
        }
    }

    /// <summary>Draws pairs from the plan, independent of each other (with replacement).</summary>
    /// <param name="count">How many, at least 0.</param>
    /// <param name="noise">Where random numbers come from.</param>
    public (int Row, int Column)[] Draw(int count, NoiseSource noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(noise);
        var pairs = new (int, int)[count];
        for (var k = 0; k < count; k++)
        {
            var row = Array.BinarySearch(_rowEnds, noise.NextDouble() * _rowEnds[^1]);
            if (row < 0) row = ~row;
            var left = noise.NextDouble() * (_rowEnds[row] - (row == 0 ? 0 : _rowEnds[row - 1]));
            var column = -1;
            for (var j = 0; j < Columns; j++)
            {
                var probability = Probability(row, j);
                if (probability > 0) column = j; // the last that can be, where rounding leaves something over
                if ((left -= probability) < 0) break;
            }

            pairs[k] = (row, column);
        }

        return pairs;
    }

    // Some iterations. The first is on the logarithms, where nothing under- or overflows; the others multiply by factors of the kernel exp((f + g − C)/ε) that it leaves, which cost no exponentials.
    // (Schmitzer 2019, section 3.1) Returns by how much the rows' marginals are off; the columns are exact after their turn.
    private static double Improve(double[] f, double[] g, double[] cost, double[] kernel, double epsilon)
    {
        BalanceRows(f, g, cost, epsilon);
        BalanceColumns(f, g, cost, epsilon);
        for (var i = 0; i < f.Length; i++)
            for (var j = 0; j < g.Length; j++) kernel[i * g.Length + j] = Math.Exp((f[i] + g[j] - cost[i * g.Length + j]) / epsilon);
        var (u, v, rowSums, columnSums) = (new double[f.Length], new double[g.Length], new double[f.Length], new double[g.Length]);
        Array.Fill(u, 1);
        Array.Fill(v, 1);
        for (var k = 1; k <= Between; k++)
        {
            for (var i = 0; i < f.Length; i++) rowSums[i] = Dot(kernel.AsSpan(i * g.Length, g.Length), v);
            if (k == Between || !IsSafe(u) || !IsSafe(v) || !IsSafe(rowSums)) break;
            for (var i = 0; i < f.Length; i++) u[i] = 1 / (f.Length * rowSums[i]);
            Array.Clear(columnSums);
            for (var i = 0; i < f.Length; i++) Add(u[i], kernel.AsSpan(i * g.Length, g.Length), columnSums);
            for (var j = 0; j < g.Length; j++) v[j] = 1 / (g.Length * columnSums[j]);
        }

        var error = 0.0;
        for (var i = 0; i < f.Length; i++) error += Math.Abs(u[i] * rowSums[i] - 1.0 / f.Length);
        for (var i = 0; i < f.Length; i++) f[i] += epsilon * Math.Log(u[i]);
        for (var j = 0; j < g.Length; j++) g[j] += epsilon * Math.Log(v[j]);
        return error;
    }

    private static bool IsSafe(double[] factors)
    {
        foreach (var factor in factors)
            if (!(factor is > 1e-100 and < 1e100)) return false;
        return true;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = Vector<double>.Zero;
        var k = 0;
        for (; k + Vector<double>.Count <= a.Length; k += Vector<double>.Count) sum += new Vector<double>(a[k..]) * new Vector<double>(b[k..]);
        var total = Vector.Sum(sum);
        for (; k < a.Length; k++) total += a[k] * b[k];
        return total;
    }

    private static void Add(double factor, ReadOnlySpan<double> a, Span<double> to)
    {
        var k = 0;
        for (; k + Vector<double>.Count <= a.Length; k += Vector<double>.Count) (new Vector<double>(to[k..]) + new Vector<double>(a[k..]) * factor).CopyTo(to[k..]);
        for (; k < a.Length; k++) to[k] += factor * a[k];
    }

    // The potentials of the rows for which their marginal is uniform: −ε·ln Σ exp((g − cost)/ε) + ε·ln(1/n).
    private static void BalanceRows(double[] f, double[] g, double[] cost, double epsilon)
    {
        for (var i = 0; i < f.Length; i++)
        {
            var row = cost.AsSpan(i * g.Length, g.Length);
            var (greatest, sum) = (double.NegativeInfinity, 0.0);
            for (var j = 0; j < g.Length; j++) greatest = Math.Max(greatest, g[j] - row[j]);
            for (var j = 0; j < g.Length; j++) sum += Math.Exp((g[j] - row[j] - greatest) / epsilon);
            f[i] = -greatest - epsilon * (Math.Log(sum) + Math.Log(f.Length));
        }
    }

    // The same for the columns, reading the costs row by row.
    private static void BalanceColumns(double[] f, double[] g, double[] cost, double epsilon)
    {
        var (greatest, sum) = (new double[g.Length], new double[g.Length]);
        Array.Fill(greatest, double.NegativeInfinity);
        for (var i = 0; i < f.Length; i++)
            for (var j = 0; j < g.Length; j++) greatest[j] = Math.Max(greatest[j], f[i] - cost[i * g.Length + j]);
        for (var i = 0; i < f.Length; i++)
            for (var j = 0; j < g.Length; j++) sum[j] += Math.Exp((f[i] - cost[i * g.Length + j] - greatest[j]) / epsilon);
        for (var j = 0; j < g.Length; j++) g[j] = -greatest[j] - epsilon * (Math.Log(sum[j]) + Math.Log(g.Length));
    }

    private double Probability(int row, int column) => Math.Exp((_rowPotentials[row] + _columnPotentials[column] - _cost[row * Columns + column]) / _epsilon);

    private static void CheckPositive(double value, string name)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"{name} must be positive and finite.");
    }

    private static void CheckCost(double[] cost, int rows, int columns)
    {
        var (rowFinite, columnFinite) = (new bool[rows], new bool[columns]);
        for (var k = 0; k < cost.Length; k++)
        {
            if (double.IsNaN(cost[k]) || double.IsNegativeInfinity(cost[k])) throw new ArgumentException($"A cost is {cost[k]}; costs are finite, or +∞ for a pair that is forbidden.", nameof(cost));
            if (double.IsFinite(cost[k])) rowFinite[k / columns] = columnFinite[k % columns] = true;
        }

        if (rows == 0 || columns == 0 || rowFinite.Contains(false) || columnFinite.Contains(false))
            throw new ArgumentException($"The cost is [{rows}, {columns}]; every row and every column needs a pair that is not forbidden.", nameof(cost));
    }
}
