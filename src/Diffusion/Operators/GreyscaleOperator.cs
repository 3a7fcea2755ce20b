namespace Diffusion.Operators;

/// <summary>A weighted sum of the colour channels: colouring grey images.</summary>
public sealed class GreyscaleOperator : UniformOperator
{
    private readonly double[] _weights;

    /// <summary>An operator that takes colour away.</summary>
    /// <param name="weights">One weight a channel, finite and not all 0; by default the mean of three.</param>
    /// <exception cref="ArgumentException">A weight is not finite, or all are 0.</exception>
    public GreyscaleOperator(params ReadOnlySpan<double> weights) : base(Norm(weights))
    {
        _weights = weights.IsEmpty ? [1.0 / 3, 1.0 / 3, 1.0 / 3] : weights.ToArray();
    }

    /// <summary>The brightness that video standards use: 0.299, 0.587 and 0.114 of red, green and blue. (ITU-R BT.601)</summary>
    public static GreyscaleOperator Luminance { get; } = new(0.299, 0.587, 0.114);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state has another number of channels than there are weights.</exception>
    public override Tensor Apply(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 2 || x.shape[1] != _weights.Length)
            throw new ArgumentException($"The state has shape [{string.Join(", ", x.shape)}]; [batch, {_weights.Length}, …] is needed, one channel a weight.", nameof(x));
        using var scope = NewDisposeScope();
        return x.mul(Weights(x)).sum([1L], keepdim: true).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        if (y.dim() < 2 || y.shape[1] != 1)
            throw new ArgumentException($"The measurement has shape [{string.Join(", ", y.shape)}]; [batch, 1, …] is needed.", nameof(y));
        using var scope = NewDisposeScope();
        return y.mul(Weights(y)).MoveToOuterDisposeScope();
    }

    private Tensor Weights(Tensor like) => tensor(_weights, like.dtype, like.device).view([1, _weights.Length, .. Enumerable.Repeat(1L, (int)like.dim() - 2)]);

    private static double Norm(ReadOnlySpan<double> weights)
    {
        if (weights.IsEmpty) return Math.Sqrt(1.0 / 3);
        var sum = 0.0;
        foreach (var weight in weights) sum += weight * weight;
        return sum > 0 && double.IsFinite(sum) ? Math.Sqrt(sum) : throw new ArgumentException("The weights must be finite, and not all 0.", nameof(weights));
    }
}
