using System.Buffers;

namespace Diffusion.Training;

/// <summary>
/// A coupling that rearranges what another one gives, so that within a batch x₀ and x₁ lie close: paths cross less and are straighter. The cost of a pair is its squared
/// Euclidean distance. (Pooladian et al. 2023; Tong et al. 2024, "OT-CFM")
/// </summary>
/// <remarks>
/// A condition is met at sampling together with any noise, so the noise of one condition must have the whole distribution: a plan that looks at states alone gives every class its own
/// corner of the noise, and sampling then asks for pairs that were never seen (Cheng and Schwing 2025). Hence <see cref="WithinClasses"/> and <see cref="VectorWeight"/>, in which a
/// noise keeps the condition that it was drawn beside.
/// </remarks>
public abstract class TransportCoupling : Coupling
{
    private readonly Coupling _inner;

    private protected TransportCoupling(Coupling? inner) => _inner = inner ?? Independent;

    /// <summary>Whether only samples of one class are exchanged where the condition has class labels. Default true.</summary>
    public bool WithinClasses { get; init; } = true;

    /// <summary>The factor of the squared distance of <see cref="Conditioning.Vector"/> in the cost of a pair, at least 0. Default 0.</summary>
    public double VectorWeight
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The weight must be finite and at least 0.");
    }

    /// <summary>Whether conditions belong to x₁ and move along with it, as where one kind of data is turned into another that has no labels. Otherwise they stay with x₀. Default false.</summary>
    public bool ConditionsMoveWithNoise { get; init; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A tensor of the condition has not one row a sample.</exception>
    /// <exception cref="InvalidOperationException">The inner coupling gave data and noise of different shapes, or the plan was not found.</exception>
    public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        var coupled = _inner.Couple(batch, condition, noise);
        var (x0, x1, given) = (coupled.Data, coupled.Noise, coupled.Condition);
        if (x0.dim() < 1 || !x0.shape.AsSpan().SequenceEqual(x1.shape))
            throw new InvalidOperationException($"The inner coupling gave data [{string.Join(", ", x0.shape)}] and noise [{string.Join(", ", x1.shape)}]; both need one shape [batch, …].");
        if (given?.Tensors().FirstOrDefault(t => t is not null && (t.dim() < 1 || t.shape[0] != x0.shape[0])) is { } odd)
            throw new ArgumentException($"condition holds a tensor of shape [{string.Join(", ", odd.shape)}] for a batch of {x0.shape[0]}; one row a sample is needed.", nameof(condition));
        var (rows, columns) = Match(x0, x1, given, noise);
        Tensor Index(long[] order) => tensor(order, int64, x0.device);
        var data = rows is null ? x0 : x0.index_select(0, Index(rows));
        var other = x1.index_select(0, Index(columns));
        var order = ConditionsMoveWithNoise ? columns : rows;
        var moved = given is null || order is null ? given : given.Select(Index(order));
        if (!ReferenceEquals(moved, condition))
            foreach (var t in moved!.Tensors()) t?.MoveToOuterDisposeScope(); // made here or by the inner coupling, not the caller's
        return new CoupledBatch(data.MoveToOuterDisposeScope(), other.MoveToOuterDisposeScope(), moved);
    }

    /// <summary>The pairs of a batch.</summary>
    /// <param name="cost">Of x₀ i with x₁ j at i·count + j; +∞ where a pair is forbidden, never on the diagonal. May be longer; lives as long as the call.</param>
    /// <param name="count">Samples of the batch.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <returns>Which x₀ (null: all, in their order) and which x₁.</returns>
    private protected abstract (long[]? Data, long[] Noise) Match(double[] cost, int count, NoiseSource noise);

    private (long[]? Data, long[] Noise) Match(Tensor x0, Tensor x1, Conditioning? condition, NoiseSource noise)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var cost = SquaredDistances(x0, x1);
        if (VectorWeight > 0 && condition?.Vector is { } vector) cost = cost + SquaredDistances(vector, vector) * VectorWeight;
        if (WithinClasses && condition?.ClassLabels is { } labels) cost = cost.masked_fill(labels.cpu().unsqueeze(1).ne(labels.cpu().unsqueeze(0)), double.PositiveInfinity);
        // Rented: a large array for every batch would keep the garbage collector busy.
        var values = ArrayPool<double>.Shared.Rent((int)cost.numel());
        try
        {
            cost.contiguous().data<double>().CopyTo(values);
            return Match(values, (int)x0.shape[0], noise);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(values);
        }
    }

    private static Tensor SquaredDistances(Tensor a, Tensor b)
    {
        var (x, y) = (a.detach().to(float64, CPU).reshape(a.shape[0], -1), b.detach().to(float64, CPU).reshape(b.shape[0], -1));
        return (x.square().sum([1L]).unsqueeze(1) + y.square().sum([1L]) - x.mm(y.t()) * 2).clamp_min(0);
    }
}
