namespace Diffusion.Samplers;

/// <summary>
/// How much noise the equation dx = [u − ½h²·∇ln p] dt + h dw̄ adds on its way to the data: any h ≥ 0 leaves the marginals of the flow dx = u dt as they are. (Albergo et al. 2023; Ma et al. 2024,
/// "SiT", whose w is h²/2) Immutable and thread-safe.
/// </summary>
public abstract class FlowDiffusion
{
    /// <summary>h² at a level, at least 0.</summary>
    public abstract double SquaredAt(NoiseLevel level);

    /// <summary>h² = 2w at all times.</summary>
    /// <param name="scale">w, at least 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is negative or not finite.</exception>
    public static FlowDiffusion Constant(double scale = 1) => Scaled(scale, static _ => 1);

    /// <summary>h² = 2wσ: the score's 1/σ is made up for, so that nothing is infinite at either end.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static FlowDiffusion Sigma(double scale = 1) => Scaled(scale, static level => level.Sigma);

    /// <summary>h² = 2wt.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static FlowDiffusion Linear(double scale = 1) => Scaled(scale, static level => level.Time);

    /// <summary>h² = ½(1 − w·cos πt)²: most at the noise.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static FlowDiffusion Decreasing(double scale = 1)
    {
        CheckScale(scale);
        return Scaled(1, level => 0.25 * Math.Pow(1 - scale * Math.Cos(Math.PI * level.Time), 2));
    }

    /// <summary>h² = 2w·sin²πt: none at the ends.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static FlowDiffusion IncreasingDecreasing(double scale = 1) => Scaled(scale, static level => Math.Pow(Math.Sin(Math.PI * level.Time), 2));

    /// <summary>h² = η²g² with the g of the forward process: 1 is its reverse equation. Infinite where α = 0.</summary>
    /// <param name="eta">η, at least 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eta"/> is negative or not finite.</exception>
    public static FlowDiffusion Reverse(double eta = 1)
    {
        ReverseProcess.CheckEta(eta);
        return Of(level => eta * eta * level.DiffusionSquared);
    }

    /// <summary>An h² of your own.</summary>
    /// <param name="squared">h² at a level, at least 0 and finite; called on the sampling thread.</param>
    public static FlowDiffusion Of(Func<NoiseLevel, double> squared)
    {
        ArgumentNullException.ThrowIfNull(squared);
        return new OfLevel(squared);
    }

    private static OfLevel Scaled(double scale, Func<NoiseLevel, double> shape)
    {
        CheckScale(scale);
        return new OfLevel(level => 2 * scale * shape(level));
    }

    private static double CheckScale(double scale) => scale >= 0 && double.IsFinite(scale) ? scale
        : throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale of the diffusion must be finite and at least 0.");

    private sealed class OfLevel(Func<NoiseLevel, double> squared) : FlowDiffusion
    {
        public override double SquaredAt(NoiseLevel level) => squared(level);
    }
}
