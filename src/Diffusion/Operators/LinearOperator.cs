namespace Diffusion.Operators;

/// <summary>
/// A linear map A from states to measurements, y = A·x, with its adjoint: what an inverse problem is stated with. Operators whose singular value
/// decomposition is known also give their pseudo-inverse and functions of their singular values. Immutable and thread-safe; every method is
/// differentiable and acts on each sample of a batch alike.
/// </summary>
public abstract class LinearOperator
{
    private const int MostIterations = 200;

    /// <summary>A·x.</summary>
    /// <param name="x">A state [batch, …]; borrowed.</param>
    /// <returns>A fresh measurement [batch, …].</returns>
    public abstract Tensor Apply(Tensor x);

    /// <summary>Aᵀ·y, so that ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩.</summary>
    /// <param name="y">A measurement [batch, …]; borrowed.</param>
    /// <returns>A fresh state.</returns>
    public abstract Tensor Transpose(Tensor y);

    /// <summary>Whether the singular values are known: <see cref="PseudoInverse"/>, <see cref="Filter"/> and <see cref="Complete"/> need them.</summary>
    public virtual bool HasSpectrum => false;

    /// <summary>A⁺·y, the smallest state whose measurement is nearest to y. (Moore and Penrose)</summary>
    /// <inheritdoc cref="Transpose" path="/param|/returns"/>
    /// <exception cref="InvalidOperationException">The singular values of this operator are not known.</exception>
    public virtual Tensor PseudoInverse(Tensor y) => throw Unknown("a pseudo-inverse");

    /// <summary>V·gain(S)·Vᵀ·x with A = U·S·Vᵀ: each right singular direction is scaled by a function of its singular value, which is 0 where nothing is measured.</summary>
    /// <param name="x">A state [batch, …]; borrowed.</param>
    /// <param name="gain">Called on the host with singular values.</param>
    /// <returns>A fresh state.</returns>
    /// <exception cref="InvalidOperationException">The singular values of this operator are not known.</exception>
    public virtual Tensor Filter(Tensor x, Func<double, double> gain) => throw Unknown("functions of its singular values");

    /// <summary>The state nearest to x that has the measurement y: x + A⁺(y − A·x).</summary>
    /// <param name="x">A state [batch, …]; borrowed.</param>
    /// <param name="y">A measurement; borrowed.</param>
    /// <returns>A fresh state.</returns>
    /// <exception cref="InvalidOperationException">The singular values of this operator are not known.</exception>
    /// <exception cref="ArgumentException">The measurement has another shape than those of x.</exception>
    public virtual Tensor Complete(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        return x.add(PseudoInverse(Residual(x, y))).MoveToOuterDisposeScope();
    }

    /// <summary>y − A·x.</summary>
    /// <inheritdoc cref="Complete" path="/param"/>
    /// <returns>A fresh measurement.</returns>
    /// <exception cref="ArgumentException">The measurement has another shape than those of x.</exception>
    public Tensor Residual(Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        using var scope = NewDisposeScope();
        var measured = Apply(x);
        CheckMeasurement(y, measured.shape);
        return y.sub(measured).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Aᵀ(data·A·Aᵀ + noise·1)⁻¹·r: the gradient, up to the sign, of the Gaussian likelihood of a residual r whose covariance is data·A·Aᵀ + noise·1. Where the singular values
    /// are not known it is found by conjugate gradients, which wait for the device.
    /// </summary>
    /// <param name="residual">y − A·x; borrowed.</param>
    /// <param name="data">Variance of the state, at least 0.</param>
    /// <param name="noise">Variance of the measurement's noise, at least 0; where it is 0 the inverse is the pseudo-inverse.</param>
    /// <returns>A fresh state.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A variance is negative or not finite, or both are 0.</exception>
    public virtual Tensor Whiten(Tensor residual, double data, double noise)
    {
        ArgumentNullException.ThrowIfNull(residual);
        CheckVariances(data, noise);
        using var scope = NewDisposeScope();
        if (!HasSpectrum) return Transpose(Solve(residual, data, noise)).MoveToOuterDisposeScope();
        return Filter(PseudoInverse(residual), s => s == 0 ? 0 : s * s / (data * s * s + noise)).MoveToOuterDisposeScope();
    }

    /// <summary>An operator of two functions.</summary>
    /// <param name="apply">A·x; borrows its argument and returns a fresh tensor.</param>
    /// <param name="transpose">Aᵀ·y; borrows its argument and returns a fresh tensor.</param>
    public static LinearOperator Of(Func<Tensor, Tensor> apply, Func<Tensor, Tensor> transpose)
    {
        ArgumentNullException.ThrowIfNull(apply);
        ArgumentNullException.ThrowIfNull(transpose);
        return new FunctionOperator(apply, transpose);
    }

    /// <summary>Refuses a measurement of another shape; a batch of one stands for all.</summary>
    internal static void CheckMeasurement(Tensor y, long[] needed)
    {
        var shape = y.shape;
        if (shape.Length == needed.Length && (shape[0] == needed[0] || shape[0] == 1) && shape.AsSpan(1).SequenceEqual(needed.AsSpan(1))) return;
        throw new ArgumentException($"The measurement has shape [{string.Join(", ", shape)}]; that of such a state is [{string.Join(", ", needed)}].", nameof(y));
    }

    internal static void CheckVariances(double data, double noise)
    {
        if (!(data >= 0) || !double.IsFinite(data)) throw new ArgumentOutOfRangeException(nameof(data), data, "A variance is finite and at least 0.");
        if (!(noise >= 0) || !double.IsFinite(noise)) throw new ArgumentOutOfRangeException(nameof(noise), noise, "A variance is finite and at least 0.");
        if (data == 0 && noise == 0) throw new ArgumentOutOfRangeException(nameof(noise), noise, "Both variances are 0: the likelihood has no width.");
    }

    // (data·A·Aᵀ + noise·1)·v = r by conjugate gradients, each sample by itself. (Hestenes and Stiefel 1952)
    private Tensor Solve(Tensor residual, double data, double noise)
    {
        var axes = Enumerable.Range(1, (int)residual.dim() - 1).Select(axis => (long)axis).ToArray();
        Tensor Dot(Tensor a, Tensor b) => a.mul(b).sum(axes, keepdim: true);
        var (solution, direction, rest) = (zeros_like(residual), residual, residual);
        var size = Dot(rest, rest);
        using var first = size.detach();
        var tolerance = residual.dtype == ScalarType.Float64 ? 1e-24 : 1e-12;
        for (var i = 0; i < MostIterations; i++)
        {
            using (var done = size.detach().le(first.mul(tolerance)).all())
                if (done.item<bool>()) return solution;
            var image = Estimate.Combine(data, Apply(Transpose(direction)), noise, direction);
            var length = size.div(Dot(direction, image).clamp_min(double.Epsilon).nan_to_num());
            solution = solution.add(direction.mul(length));
            rest = rest.sub(image.mul(length));
            var next = Dot(rest, rest);
            direction = rest.add(direction.mul(next.div(size.clamp_min(1e-300))));
            size = next;
        }

        return solution;
    }

    private InvalidOperationException Unknown(string what) => new(
        $"{GetType().Name} does not know its singular values and so has no {what}. Use an operator that does (a mask, down-sampling, blur, grey-scale, a matrix), or a method that "
        + "needs only the operator and its adjoint: DPS or ΠGDM.");

    private sealed class FunctionOperator(Func<Tensor, Tensor> apply, Func<Tensor, Tensor> transpose) : LinearOperator
    {
        public override Tensor Apply(Tensor x)
        {
            ArgumentNullException.ThrowIfNull(x);
            return apply(x);
        }

        public override Tensor Transpose(Tensor y)
        {
            ArgumentNullException.ThrowIfNull(y);
            return transpose(y);
        }
    }
}
