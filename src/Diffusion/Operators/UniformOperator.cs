namespace Diffusion.Operators;

/// <summary>An operator whose singular values are one number, or 0 where nothing is measured: A·Aᵀ = s²·1 on what can be measured.</summary>
public abstract class UniformOperator : LinearOperator
{
    /// <summary>An operator with a singular value.</summary>
    /// <param name="singularValue">s, positive and finite.</param>
    private protected UniformOperator(double singularValue)
    {
        SingularValue = singularValue;
    }

    /// <summary>s.</summary>
    public double SingularValue { get; }

    /// <inheritdoc/>
    public override bool HasSpectrum => true;

    /// <inheritdoc/>
    public override Tensor PseudoInverse(Tensor y)
    {
        using var scope = NewDisposeScope();
        return Scaled(Transpose(y), 1 / (SingularValue * SingularValue)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Filter(Tensor x, Func<double, double> gain)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(gain);
        using var scope = NewDisposeScope();
        var (outside, inside) = (gain(0), gain(SingularValue));
        return Estimate.Combine(outside, x, (inside - outside) / (SingularValue * SingularValue), Transpose(Apply(x))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Whiten(Tensor residual, double data, double noise)
    {
        CheckVariances(data, noise);
        using var scope = NewDisposeScope();
        return Scaled(Transpose(residual), 1 / (data * SingularValue * SingularValue + noise)).MoveToOuterDisposeScope();
    }

    private static Tensor Scaled(Tensor x, double factor) => factor == 1 ? x : x.mul(factor);
}
