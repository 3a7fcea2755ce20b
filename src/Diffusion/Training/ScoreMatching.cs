namespace Diffusion.Training;

/// <summary>
/// How a score function is fitted without knowing the true score: 2·J = ‖s‖² + 2·tr ∇s has the mean E‖s − ∇ln p‖² − E‖∇ln p‖² over data of density p, whose last term no score
/// changes (Hyvärinen 2005). The trace is computed exactly or by projections. Immutable and thread-safe.
/// </summary>
/// <remarks>The score must be continuous in its argument: networks with SiLU or GELU are, with ReLU the trace misses the kinks.</remarks>
public abstract class ScoreMatching
{
    private protected ScoreMatching()
    {
    }

    /// <summary>With the exact trace: as many derivatives as a sample has numbers. For small dimensions. (Hyvärinen 2005)</summary>
    public static ScoreMatching Explicit { get; } = new ByTrace(Divergence.Exact);

    /// <summary>Sliced: the mean of 2·vᵀ∇s·v + (vᵀs)² over random v, one derivative each. Right on average. (Song et al. 2019, eq. 8)</summary>
    /// <param name="distribution">What v is drawn from.</param>
    /// <param name="projections">Number of v for each sample, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="projections"/> is less than 1, or there is no such distribution.</exception>
    public static ScoreMatching Sliced(ProbeDistribution distribution = ProbeDistribution.Rademacher, int projections = 1)
    {
        Check(distribution, projections);
        return new ByProjection(distribution, projections);
    }

    /// <summary>
    /// Sliced with the second term in closed form: the mean of 2·vᵀ∇s·v + ‖s‖². It varies less for Rademacher v on a diagonal ∇s, and usually; not always: in one dimension with normal v on
    /// s = −x it varies more. (Song et al. 2019, eq. 10, "SSM-VR")
    /// </summary>
    /// <inheritdoc cref="Sliced" path="/param|/exception"/>
    public static ScoreMatching SlicedWithVarianceReduction(ProbeDistribution distribution = ProbeDistribution.Rademacher, int projections = 1)
    {
        Check(distribution, projections);
        return new ByTrace(Divergence.Hutchinson(distribution, projections));
    }

    /// <summary>2·J of each sample, differentiable in whatever the score depends on if gradients are enabled.</summary>
    /// <param name="score">s: borrows [batch, …], returns a fresh tensor of that shape, differentiable.</param>
    /// <param name="x">The data [batch, …], float32 or float64; borrowed.</param>
    /// <param name="noise">Where projections come from; the exact trace draws none.</param>
    /// <returns>[batch], summed over the numbers of a sample; fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentException">x is not a floating batch.</exception>
    /// <exception cref="InvalidOperationException">The score has another shape than x, or does not depend on it.</exception>
    public Tensor Evaluate(Func<Tensor, Tensor> score, Tensor x, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(score);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x, null);
        var differentiable = is_grad_enabled();
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var point = x.detach().requires_grad_();
        var value = score(point);
        if (!value.shape.AsSpan().SequenceEqual(x.shape))
            throw new InvalidOperationException($"The score has shape [{string.Join(", ", value.shape)}] for data [{string.Join(", ", x.shape)}]; the same shape is needed.");
        var result = Of(value, point, noise, differentiable);
        return (differentiable ? result : result.detach()).MoveToOuterDisposeScope();
    }

    /// <summary>2·J from the score at a point that requires a gradient; intermediate tensors are left to the caller's scope.</summary>
    private protected abstract Tensor Of(Tensor score, Tensor x, NoiseSource noise, bool differentiable);

    private static void Check(ProbeDistribution distribution, int projections)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(projections, 1);
        if (!Enum.IsDefined(distribution)) throw new ArgumentOutOfRangeException(nameof(distribution), distribution, "There is no such distribution.");
    }

    private sealed class ByTrace(Divergence trace) : ScoreMatching
    {
        private protected override Tensor Of(Tensor score, Tensor x, NoiseSource noise, bool differentiable) =>
            score.square().flatten(1).sum(1) + 2 * trace.Of(score, x, trace.Probes(x, noise), differentiable);
    }

    private sealed class ByProjection(ProbeDistribution distribution, int projections) : ScoreMatching
    {
        private protected override Tensor Of(Tensor score, Tensor x, NoiseSource noise, bool differentiable)
        {
            var terms = new Tensor[projections];
            for (var i = 0; i < projections; i++)
            {
                var v = Divergence.Draw(distribution, x, noise);
                var curvature = Divergence.Quadratic(score, x, v, differentiable || i + 1 < projections, differentiable);
                terms[i] = (score * v).flatten(1).sum(1).square() + 2 * curvature;
            }

            return stack(terms, 1).mean([1L]);
        }
    }
}
