namespace Diffusion.Operators;

/// <summary>
/// An operator that acts on rows and columns of an image by one small matrix each, y = V·x·Hᵀ: every separable blur, resampling and cropping. Its
/// singular values are the products of those of the two.
/// </summary>
public sealed class SeparableOperator : LinearOperator
{
    private readonly double[,] _vertical;
    private readonly double[,] _horizontal;
    private readonly Factorization _rows;
    private readonly Factorization _columns;

    /// <summary>An operator of two matrices.</summary>
    /// <param name="vertical">[new height, height]: acts along the height.</param>
    /// <param name="horizontal">[new width, width]: acts along the width.</param>
    /// <exception cref="ArgumentException">A matrix is empty or holds a number that is not finite.</exception>
    public SeparableOperator(double[,] vertical, double[,] horizontal)
    {
        (_vertical, _horizontal) = (Factorization.Copy(vertical, nameof(vertical)), Factorization.Copy(horizontal, nameof(horizontal)));
        (_rows, _columns) = (new Factorization(_vertical), new Factorization(_horizontal));
    }

    /// <summary>A Gaussian blur whose kernel is cut off and scaled to sum 1 at the edges.</summary>
    /// <param name="height">Height of the images, at least 1.</param>
    /// <param name="width">Width of the images, at least 1.</param>
    /// <param name="deviation">Standard deviation in pixels, positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static SeparableOperator GaussianBlur(int height, int width, double deviation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (!(deviation > 0) || !double.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The standard deviation of a blur is positive and finite.");
        return new SeparableOperator(Gaussian(height), Gaussian(width));

        double[,] Gaussian(int size)
        {
            var matrix = new double[size, size];
            for (var i = 0; i < size; i++)
            {
                var sum = 0.0;
                for (var j = 0; j < size; j++) sum += matrix[i, j] = Math.Exp(-0.5 * (i - j) * (i - j) / (deviation * deviation));
                for (var j = 0; j < size; j++) matrix[i, j] /= sum;
            }

            return matrix;
        }
    }

    /// <inheritdoc/>
    public override bool HasSpectrum => true;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x)
    {
        Check(x, 1);
        using var scope = NewDisposeScope();
        return Both(x, On(_vertical, x), On(_horizontal, x)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y)
    {
        Check(y, 0);
        using var scope = NewDisposeScope();
        return Both(y, On(_vertical, y).t(), On(_horizontal, y).t()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor PseudoInverse(Tensor y)
    {
        Check(y, 0);
        using var scope = NewDisposeScope();
        var inside = Both(y, On(_rows.Left, y).t(), On(_columns.Left, y).t()).div(Table(y, s => s));
        return Both(inside, On(_rows.Right, y).t(), On(_columns.Right, y).t()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Filter(Tensor x, Func<double, double> gain)
    {
        ArgumentNullException.ThrowIfNull(gain);
        Check(x, 1);
        using var scope = NewDisposeScope();
        var outside = gain(0);
        var (rows, columns) = (On(_rows.Right, x), On(_columns.Right, x));
        var inside = Both(x, rows, columns).mul(Table(x, s => gain(s) - outside));
        return Estimate.Combine(outside, x, 1, Both(inside, rows.t(), columns.t())).MoveToOuterDisposeScope();
    }

    private static Tensor On(double[,] matrix, Tensor like) => tensor(matrix, like.dtype, like.device);

    // rows·x·columnsᵀ on the last two axes; linear multiplies by a transposed matrix from the right.
    private static Tensor Both(Tensor x, Tensor rows, Tensor columns) =>
        nn.functional.linear(nn.functional.linear(x, columns).transpose(-1, -2), rows).transpose(-1, -2).contiguous();

    private Tensor Table(Tensor like, Func<double, double> of)
    {
        var table = new double[_rows.Values.Length, _columns.Values.Length];
        for (var i = 0; i < _rows.Values.Length; i++)
            for (var j = 0; j < _columns.Values.Length; j++) table[i, j] = of(_rows.Values[i] * _columns.Values[j]);
        return On(table, like);
    }

    private void Check(Tensor image, int axis)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (height, width) = (_vertical.GetLength(axis), _horizontal.GetLength(axis));
        if (image.dim() < 3 || image.shape[^2] != height || image.shape[^1] != width)
            throw new ArgumentException($"The {(axis == 1 ? "state" : "measurement")} has shape [{string.Join(", ", image.shape)}]; [batch, …, {height}, {width}] is needed.", nameof(image));
    }
}
