namespace Diffusion.Training;

/// <summary>
/// The combination of stored profiles that comes closest to another one: least squares on the profiles, ∫(Σcᵢpᵢ − q)² dτ, whose normal equations hold inner products
/// alone. (Karras et al. 2024, section 3.2 and appendix C.2)
/// </summary>
internal static class ProfileProjection
{
    // A pivot this small is rounding: the profile is, to the last digits, a combination of those chosen before, and adds nothing but noise.
    private const double LeastPivot = 1e-13;

    /// <summary>One coefficient a stored profile; they sum to one, so that the combination is an average.</summary>
    public static double[] Coefficients(IReadOnlyList<PowerFunctionProfile> stored, PowerFunctionProfile target)
    {
        var n = stored.Count;
        var norms = stored.Select(p => Math.Sqrt(p.InnerProduct(p))).ToArray();
        var gram = new double[n, n];
        var right = new double[n];
        for (var i = 0; i < n; i++)
        {
            right[i] = stored[i].InnerProduct(target) / norms[i];
            for (var j = 0; j < n; j++) gram[i, j] = i == j ? 1 : stored[i].InnerProduct(stored[j]) / (norms[i] * norms[j]);
        }

        var (order, factor, rank) = Factorize(gram);
        var solution = Solve(order, factor, rank, right);
        var residual = new double[n];
        for (var i = 0; i < n; i++)
        {
            residual[i] = right[i];
            for (var j = 0; j < n; j++) residual[i] -= gram[i, j] * solution[j];
        }

        var correction = Solve(order, factor, rank, residual); // one step of refinement
        var coefficients = new double[n];
        for (var i = 0; i < n; i++) coefficients[i] = (solution[i] + correction[i]) / norms[i];
        var sum = coefficients.Sum();
        return Array.ConvertAll(coefficients, c => c / sum);
    }

    // Cholesky's factorization, the largest remaining pivot first; ends where only rounding remains.
    private static (int[] Order, double[,] Factor, int Rank) Factorize(double[,] matrix)
    {
        var n = matrix.GetLength(0);
        var order = Enumerable.Range(0, n).ToArray();
        var factor = new double[n, n]; // rows in the order chosen
        var remaining = Enumerable.Range(0, n).Select(i => matrix[i, i]).ToArray();
        for (var k = 0; k < n; k++)
        {
            var best = k;
            for (var i = k + 1; i < n; i++)
                if (remaining[order[i]] > remaining[order[best]]) best = i;
            if (remaining[order[best]] < LeastPivot) return (order, factor, k);
            (order[k], order[best]) = (order[best], order[k]);
            for (var j = 0; j < k; j++) (factor[k, j], factor[best, j]) = (factor[best, j], factor[k, j]);
            factor[k, k] = Math.Sqrt(remaining[order[k]]);
            for (var i = k + 1; i < n; i++)
            {
                var value = matrix[order[i], order[k]];
                for (var j = 0; j < k; j++) value -= factor[i, j] * factor[k, j];
                factor[i, k] = value / factor[k, k];
                remaining[order[i]] -= factor[i, k] * factor[i, k];
            }
        }

        return (order, factor, n);
    }

    private static double[] Solve(int[] order, double[,] factor, int rank, double[] right)
    {
        var y = new double[rank];
        for (var i = 0; i < rank; i++)
        {
            y[i] = right[order[i]];
            for (var j = 0; j < i; j++) y[i] -= factor[i, j] * y[j];
            y[i] /= factor[i, i];
        }

        var x = new double[right.Length];
        for (var i = rank - 1; i >= 0; i--)
        {
            for (var j = i + 1; j < rank; j++) y[i] -= factor[j, i] * x[order[j]];
            x[order[i]] = y[i] / factor[i, i];
        }

        return x;
    }
}
