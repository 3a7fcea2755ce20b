namespace Diffusion.Operators;

/// <summary>Any matrix on the flattened numbers of a sample: a user's own operator, decomposed once. For states of up to a few thousand numbers.</summary>
public sealed class MatrixOperator : LinearOperator
{
    private readonly double[,] _matrix;
    private readonly long[] _state;
    private readonly Factorization _parts;

    /// <summary>An operator of a matrix.</summary>
    /// <param name="matrix">[measurements, numbers of a sample], finite.</param>
    /// <param name="stateShape">Shape of one sample, without the batch axis; by default one axis.</param>
    /// <exception cref="ArgumentException">The matrix is empty, holds a number that is not finite, or does not fit the shape.</exception>
    public MatrixOperator(double[,] matrix, params ReadOnlySpan<long> stateShape)
    {
        _matrix = Factorization.Copy(matrix, nameof(matrix));
        _state = stateShape.IsEmpty ? [matrix.GetLength(1)] : stateShape.ToArray();
        if (_state.Aggregate(1L, (product, length) => product * length) != matrix.GetLength(1))
            throw new ArgumentException($"The matrix has {matrix.GetLength(1)} columns, but a sample of shape [{string.Join(", ", _state)}] has another count of numbers.", nameof(stateShape));
        _parts = new Factorization(_matrix);
    }

    /// <summary>The singular values above rounding, falling.</summary>
    public IReadOnlyList<double> SingularValues => _parts.Values;

    /// <inheritdoc/>
    public override bool HasSpectrum => true;

    /// <inheritdoc/>
    /// <returns>[batch, measurements], fresh.</returns>
    public override Tensor Apply(Tensor x)
    {
        using var scope = NewDisposeScope();
        return nn.functional.linear(Flat(x), tensor(_matrix, x.dtype, x.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y)
    {
        CheckFlat(y);
        using var scope = NewDisposeScope();
        return State(nn.functional.linear(y, tensor(_matrix, y.dtype, y.device).t())).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor PseudoInverse(Tensor y)
    {
        CheckFlat(y);
        using var scope = NewDisposeScope();
        var inside = nn.functional.linear(y, tensor(_parts.Left, y.dtype, y.device).t()).div(tensor(_parts.Values, y.dtype, y.device));
        return State(nn.functional.linear(inside, tensor(_parts.Right, y.dtype, y.device).t())).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Filter(Tensor x, Func<double, double> gain)
    {
        ArgumentNullException.ThrowIfNull(gain);
        using var scope = NewDisposeScope();
        var flat = Flat(x);
        var outside = gain(0);
        var gains = tensor(Array.ConvertAll(_parts.Values, s => gain(s) - outside), x.dtype, x.device);
        var right = tensor(_parts.Right, x.dtype, x.device);
        var inside = nn.functional.linear(nn.functional.linear(flat, right).mul(gains), right.t());
        return State(Estimate.Combine(outside, flat, 1, inside)).MoveToOuterDisposeScope();
    }

    private Tensor Flat(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || !x.shape.AsSpan(1).SequenceEqual(_state))
            throw new ArgumentException($"The state has shape [{string.Join(", ", x.shape)}]; [batch, {string.Join(", ", _state)}] is needed.", nameof(x));
        return x.reshape(x.shape[0], _matrix.GetLength(1));
    }

    private Tensor State(Tensor flat) => flat.reshape([flat.shape[0], .. _state]);

    private void CheckFlat(Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        if (y.dim() != 2 || y.shape[1] != _matrix.GetLength(0))
            throw new ArgumentException($"The measurement has shape [{string.Join(", ", y.shape)}]; [batch, {_matrix.GetLength(0)}] is needed.", nameof(y));
    }
}
