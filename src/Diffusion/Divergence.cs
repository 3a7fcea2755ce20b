namespace Diffusion;

/// <summary>
/// How the divergence of a field f(x), the trace of its Jacobian, is computed for each sample: exactly, at one derivative for each number of a sample, or by
/// Hutchinson's estimate vᵀJv with random v, which is right on average. Immutable and thread-safe.
/// </summary>
public abstract class Divergence
{
    private protected Divergence()
    {
    }

    /// <summary>Exact: as many derivatives as a sample has numbers. For small dimensions.</summary>
    public static Divergence Exact { get; } = new ExactTrace();

    /// <summary>The mean of vᵀJv over some probes, one derivative each. (Hutchinson 1989; Grathwohl et al. 2019)</summary>
    /// <param name="distribution">What v is drawn from.</param>
    /// <param name="probes">How many, at least 1; the variance falls with their number.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="probes"/> is less than 1, or there is no such distribution.</exception>
    public static Divergence Hutchinson(ProbeDistribution distribution = ProbeDistribution.Rademacher, int probes = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(probes, 1);
        if (!Enum.IsDefined(distribution)) throw new ArgumentOutOfRangeException(nameof(distribution), distribution, "There is no such distribution.");
        return new Estimate(distribution, probes);
    }

    /// <summary>The random vectors of one run; none where it is exact.</summary>
    internal abstract Tensor[] Probes(Tensor like, NoiseSource noise);

    /// <summary>The divergence [batch], in the caller's scope.</summary>
    /// <param name="value">f(x), made while gradients were enabled.</param>
    /// <param name="x">[batch, …], requiring a gradient.</param>
    /// <param name="probes">What <see cref="Probes"/> gave.</param>
    /// <param name="differentiable">Whether it shall be differentiable in turn. The graph is kept then, else it is used up.</param>
    internal abstract Tensor Of(Tensor value, Tensor x, Tensor[] probes, bool differentiable);

    /// <summary>Draws one v.</summary>
    internal static Tensor Draw(ProbeDistribution distribution, Tensor like, NoiseSource noise)
    {
        var normal = noise.NextLike(like);
        if (distribution == ProbeDistribution.Gaussian) return normal;
        using (normal)
        {
            using var positive = normal.ge(0);
            using var number = positive.to(like.dtype);
            return number.mul(2).sub_(1);
        }
    }

    /// <summary>vᵀJv for each sample, [batch].</summary>
    internal static Tensor Quadratic(Tensor value, Tensor x, Tensor v, bool keepGraph, bool differentiable)
    {
        using var scope = NewDisposeScope();
        var transposed = Differentiation.Vjp(value, x, v, keepGraph, differentiable);
        return (transposed * v).view(x.shape[0], -1).sum(1).MoveToOuterDisposeScope();
    }

    private sealed class ExactTrace : Divergence
    {
        internal override Tensor[] Probes(Tensor like, NoiseSource noise) => [];

        internal override Tensor Of(Tensor value, Tensor x, Tensor[] probes, bool differentiable)
        {
            using var scope = NewDisposeScope();
            var numbers = x.numel() / x.shape[0];
            var axis = eye(numbers, dtype: x.dtype, device: x.device);
            var terms = new Tensor[numbers];
            for (var i = 0; i < numbers; i++)
            {
                var unit = axis[i].view([1, .. x.shape[1..]]).expand(x.shape);
                var row = Differentiation.Vjp(value, x, unit, differentiable || i + 1 < numbers, differentiable);
                terms[i] = row.view(x.shape[0], -1).select(1, i);
            }

            return stack(terms, 1).sum(1).MoveToOuterDisposeScope();
        }
    }

    private sealed class Estimate(ProbeDistribution distribution, int count) : Divergence
    {
        internal override Tensor[] Probes(Tensor like, NoiseSource noise) => [.. Enumerable.Range(0, count).Select(_ => Draw(distribution, like, noise))];

        internal override Tensor Of(Tensor value, Tensor x, Tensor[] probes, bool differentiable)
        {
            using var scope = NewDisposeScope();
            var terms = new Tensor[probes.Length];
            for (var i = 0; i < terms.Length; i++) terms[i] = Quadratic(value, x, probes[i], differentiable || i + 1 < terms.Length, differentiable);
            return (terms.Length == 1 ? terms[0] : stack(terms, 1).mean([1L])).MoveToOuterDisposeScope();
        }
    }
}
