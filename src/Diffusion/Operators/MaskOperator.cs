namespace Diffusion.Operators;

/// <summary>Keeps the marked pixels and puts 0 elsewhere: inpainting. The measurement has the shape of the state; what it holds at other pixels does not count.</summary>
public sealed class MaskOperator : UniformOperator
{
    private readonly Tensor _known;

    /// <summary>An operator that measures the marked pixels.</summary>
    /// <param name="known">Bool, true where a pixel is measured; of the shape of the state, or with lengths of 1 that stand for all ([1, 1, height, width]). Borrowed, and not changed while the operator is used.</param>
    /// <exception cref="ArgumentException">The mask is not bool.</exception>
    public MaskOperator(Tensor known) : base(1)
    {
        ArgumentNullException.ThrowIfNull(known);
        if (known.dtype != ScalarType.Bool)
            throw new ArgumentException($"The mask is {known.dtype} of shape [{string.Join(", ", known.shape)}]; Bool is needed, true where a pixel is known (for numbers: mask.gt(0.5)).", nameof(known));
        _known = known;
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return where(_known, x, zeros(1, x.dtype, x.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y) => Apply(y);

    /// <summary>The state with its marked pixels replaced by those of the measurement, exactly.</summary>
    /// <inheritdoc/>
    public override Tensor Complete(Tensor x, Tensor y)
    {
        Check(x);
        ArgumentNullException.ThrowIfNull(y);
        CheckMeasurement(y, x.shape);
        return where(_known, y, x);
    }

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (mask, shape) = (_known.shape, x.shape);
        var fits = mask.Length <= shape.Length;
        for (var i = 1; fits && i <= mask.Length; i++) fits = mask[^i] == 1 || mask[^i] == shape[^i];
        if (!fits)
            throw new ArgumentException($"The mask has shape [{string.Join(", ", mask)}], the state [{string.Join(", ", shape)}]: the mask's lengths must be those of the state, or 1.", nameof(x));
        if (_known.device.type != x.device.type) throw new ArgumentException($"The mask is on {_known.device}, the state on {x.device}; move one of them.", nameof(x));
    }
}
