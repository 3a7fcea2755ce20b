namespace Diffusion.Denoisers;

/// <summary>A condition of a composition, and how strongly it counts.</summary>
public sealed class WeightedCondition
{
    /// <summary>A condition with a weight.</summary>
    /// <param name="conditional">The model under the condition; borrowed.</param>
    /// <param name="weight">w, finite; negative guides away from the condition.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="weight"/> is not finite.</exception>
    public WeightedCondition(IDenoiser conditional, double weight)
    {
        ArgumentNullException.ThrowIfNull(conditional);
        (Conditional, Weight) = (conditional, LikelihoodShift.CheckScale(weight));
    }

    /// <summary>The model under the condition.</summary>
    public IDenoiser Conditional { get; }

    /// <summary>w.</summary>
    public double Weight { get; }
}
