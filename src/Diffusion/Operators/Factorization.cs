namespace Diffusion.Operators;

/// <summary>The thin singular value decomposition A = U·S·Vᵀ of a small matrix, on the host in double precision; only singular values that are not rounding are kept.</summary>
internal sealed class Factorization
{
    public Factorization(double[,] matrix)
    {
        TorchBackend.EnsureLoaded();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (u, s, vt) = linalg.svd(tensor(matrix), fullMatrices: false);
        var values = s.data<double>().ToArray();
        var least = values.Length == 0 ? 0 : values[0] * Math.Max(matrix.GetLength(0), matrix.GetLength(1)) * 2.3e-16;
        Values = [.. values.TakeWhile(value => value > least)];
        Left = ToArray(u.narrow(1, 0, Values.Length));
        Right = ToArray(vt.narrow(0, 0, Values.Length));
    }

    /// <summary>S, falling.</summary>
    public double[] Values { get; }

    /// <summary>U [rows, rank].</summary>
    public double[,] Left { get; }

    /// <summary>Vᵀ [rank, columns].</summary>
    public double[,] Right { get; }

    /// <summary>A checked copy.</summary>
    public static double[,] Copy(double[,] matrix, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        if (matrix.Length == 0) throw new ArgumentException($"The matrix is [{matrix.GetLength(0)}, {matrix.GetLength(1)}]; a row and a column are needed.", name);
        foreach (var number in matrix)
            if (!double.IsFinite(number)) throw new ArgumentException($"The matrix holds {number}; its numbers must be finite.", name);
        return (double[,])matrix.Clone();
    }

    private static double[,] ToArray(Tensor matrix)
    {
        var (rows, columns) = (matrix.shape[0], matrix.shape[1]);
        var flat = matrix.contiguous().data<double>().ToArray();
        var result = new double[rows, columns];
        Buffer.BlockCopy(flat, 0, result, 0, flat.Length * sizeof(double));
        return result;
    }
}
