namespace Diffusion.Denoisers;

/// <summary>
/// Several conditions at once, each with its weight: D = D_u + Σ wᵢ(Dᵢ − D_u), the product of experts in so far as guidance samples one. A condition of weight 0 is not asked, nor the unconditional model where the weights add up to 1.
/// (Liu et al. 2022, "Compositional visual generation", eq. 11)
/// </summary>
public sealed class ComposedGuidance : DenoiserDecorator
{
    private readonly double[] _weights;
    private readonly double _rest;

    /// <summary>A composition.</summary>
    /// <param name="unconditional">D_u; borrowed.</param>
    /// <param name="conditions">At least one, on the same schedule.</param>
    /// <exception cref="ArgumentException">There is no condition, or the schedules differ.</exception>
    public ComposedGuidance(IDenoiser unconditional, params IReadOnlyList<WeightedCondition> conditions) : base(All(unconditional, conditions))
    {
        _weights = [.. conditions.Select(condition => condition.Weight)];
        _rest = 1 - _weights.Sum();
    }

    private ComposedGuidance(IReadOnlyList<IDenoiser> inner, double[] weights, double rest) : base([.. inner]) => (_weights, _rest) = (weights, rest);

    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        using var scope = NewDisposeScope();
        var (data, noise) = (new LinearForm(), new LinearForm());
        var carries = false;
        Tensor? variance = null;
        for (var i = 0; i < Inner.Count; i++)
        {
            var weight = i == 0 ? _rest : _weights[i - 1];
            if (weight == 0) continue;
            var estimate = Inner[i].Denoise(x, at);
            data.Add(weight, estimate.Data);
            noise.Add(weight, LinearForm.Noise(estimate, x, at.Level));
            carries |= estimate.Noise is not null;
            variance = estimate.VarianceOutput ?? variance;
        }

        return new Estimate(data.Evaluate(), carries ? noise.Evaluate() : null, variance).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ComposedGuidance(inner, _weights, _rest);

    private static IDenoiser[] All(IDenoiser unconditional, IReadOnlyList<WeightedCondition> conditions)
    {
        ArgumentNullException.ThrowIfNull(unconditional);
        ArgumentNullException.ThrowIfNull(conditions);
        if (conditions.Count == 0) throw new ArgumentException("A composition needs at least one condition.", nameof(conditions));
        foreach (var condition in conditions) ArgumentNullException.ThrowIfNull(condition, nameof(conditions));
        return [unconditional, .. conditions.Select(condition => condition.Conditional)];
    }
}
