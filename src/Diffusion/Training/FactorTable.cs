namespace Diffusion.Training;

/// <summary>
/// The factors that a batch is mixed by, one column a sample: computed in double precision on the host and sent to the device in one small copy, so that nothing waits for the device and no
/// digit is lost at small noise.
/// </summary>
/// <param name="rows">Number of factors of a sample.</param>
/// <param name="batch">Number of samples.</param>
internal sealed class FactorTable(int rows, int batch)
{
    private readonly double[] _values = new double[rows * batch];

    /// <summary>Refuses data that no objective takes, and a condition of another batch.</summary>
    public static void CheckBatch(Tensor x0, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(x0);
        if (x0.dim() < 2 || x0.numel() == 0 || x0.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"x0 is {x0.dtype} of shape [{string.Join(", ", x0.shape)}]; Float32 or Float64 [batch, …] with at least one sample is needed.", nameof(x0));
        if (condition?.BatchSize is { } size && size != x0.shape[0])
            throw new ArgumentException($"The condition has {size} samples, x0 {x0.shape[0]}.", nameof(condition));
    }

    /// <summary>Sets the factors of a sample; false where one is not finite.</summary>
    public bool TrySet(int sample, ReadOnlySpan<double> column)
    {
        for (var row = 0; row < rows; row++)
        {
            if (!double.IsFinite(column[row])) return false;
            _values[row * batch + sample] = column[row];
        }

        return true;
    }

    /// <summary>Whether a factor has one value for all samples.</summary>
    public bool All(int row, double value) => !_values.AsSpan(row * batch, batch).ContainsAnyExcept(value);

    /// <summary>The table in the type and on the device of a batch; its tensors belong to the caller's scope.</summary>
    public Uploaded Upload(Tensor like)
    {
        var table = like.dtype == ScalarType.Float64
            ? tensor(_values, [rows, batch])
            : tensor(Array.ConvertAll(_values, f => (float)f), [rows, batch]);
        return new Uploaded(like.device_type == DeviceType.CPU ? table : table.to(like.device), like.dim());
    }

    /// <summary>A table on a device.</summary>
    internal sealed class Uploaded(Tensor table, long dimensions)
    {
        /// <summary>A factor of each sample, [batch].</summary>
        public Tensor Flat(int row) => table[row];

        /// <summary>A factor of each sample in the shape [batch, 1, …] that multiplies the batch.</summary>
        public Tensor Row(int row) => table[row].view([-1, .. Enumerable.Repeat(1L, (int)dimensions - 1)]);
    }
}
