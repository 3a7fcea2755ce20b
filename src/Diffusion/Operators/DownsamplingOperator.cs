namespace Diffusion.Operators;

/// <summary>The mean over blocks of factor × factor pixels: super-resolution. Its singular values are 1/factor, its pseudo-inverse repeats each pixel.</summary>
public sealed class DownsamplingOperator : UniformOperator
{
    /// <summary>An operator that makes images smaller.</summary>
    /// <param name="factor">How many times smaller height and width become, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="factor"/> is below 1.</exception>
    public DownsamplingOperator(int factor) : base(1.0 / factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        Factor = factor;
    }

    /// <summary>How many times smaller height and width become.</summary>
    public int Factor { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is no image whose height and width are multiples of the factor.</exception>
    public override Tensor Apply(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4 || x.numel() == 0 || x.shape[2] % Factor != 0 || x.shape[3] % Factor != 0)
            throw new ArgumentException($"The state has shape [{string.Join(", ", x.shape)}]; [batch, channels, height, width] with height and width multiples of {Factor} is needed.", nameof(x));
        using var scope = NewDisposeScope();
        var s = x.shape;
        return x.reshape(s[0], s[1], s[2] / Factor, Factor, s[3] / Factor, Factor).mean([3, 5]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y)
    {
        using var scope = NewDisposeScope();
        return Repeat(y).mul(1.0 / (Factor * (double)Factor)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor PseudoInverse(Tensor y)
    {
        using var scope = NewDisposeScope();
        return Repeat(y).MoveToOuterDisposeScope();
    }

    private Tensor Repeat(Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        if (y.dim() != 4) throw new ArgumentException($"The measurement has shape [{string.Join(", ", y.shape)}]; [batch, channels, height, width] is needed.", nameof(y));
        var s = y.shape;
        return y.reshape(s[0], s[1], s[2], 1, s[3], 1).expand(s[0], s[1], s[2], Factor, s[3], Factor).reshape(s[0], s[1], s[2] * Factor, s[3] * Factor).contiguous();
    }
}
