namespace Diffusion.Denoisers;

/// <summary>
/// How guidance makes one estimate of that of a conditional and that of an unconditional model. Immutable and thread-safe, but for a rule that remembers earlier steps: such a one gives each
/// run a fresh rule. Override <see cref="Combine"/> to write another.
/// </summary>
public abstract class GuidanceRule
{
    /// <summary>How strong: 1 stands for the conditional model; NaN where a rule has no such number.</summary>
    public virtual double Scale => double.NaN;

    /// <summary>Whether the conditional estimate is looked at. Where it is not, the unconditional one is the answer and the conditional model is not asked.</summary>
    public virtual bool NeedsConditional => true;

    /// <summary>Whether the unconditional estimate is looked at. Where it is not, the conditional one is the answer and the unconditional model is not asked.</summary>
    public virtual bool NeedsUnconditional => true;

    /// <summary>The guided estimate. Differentiable; changes nothing that it is given.</summary>
    /// <param name="x">The state; borrowed.</param>
    /// <param name="level">Its level.</param>
    /// <param name="conditional">D_c.</param>
    /// <param name="unconditional">D_u.</param>
    /// <returns>An estimate in the caller's scope.</returns>
    public abstract Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional);

    private protected static void CheckGiven(Tensor x, Estimate conditional, Estimate unconditional)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(conditional);
        ArgumentNullException.ThrowIfNull(unconditional);
    }

    /// <summary>The rule of one run. One that remembers returns a fresh one, which is disposed of at the end if it is <see cref="IDisposable"/>; every other itself.</summary>
    public virtual GuidanceRule BeginRun() => this;

    /// <summary>D_u + w·(D_c − D_u). (Ho and Salimans 2022, whose w is ours minus 1)</summary>
    /// <param name="scale">w, finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static GuidanceRule Linear(double scale) => new LinearRule(Finite(scale, nameof(scale)));

    /// <summary>
    /// The linear rule scaled back to the standard deviation of the conditional estimate, sample by sample, and mixed with itself: D·(φ·std(D_c)/std(D) + 1 − φ). Against the
    /// washed-out colours of large scales. (Lin et al. 2023, eq. 14–16)
    /// </summary>
    /// <param name="scale">w, finite.</param>
    /// <param name="mix">φ in [0, 1]; 0.7 in the paper.</param>
    /// <param name="quantity">Whose standard deviation; of published pipelines, that of the network's output.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static GuidanceRule Rescaled(double scale, double mix = 0.7, GuidedQuantity quantity = GuidedQuantity.Data)
    {
        if (!(mix >= 0 && mix <= 1)) throw new ArgumentOutOfRangeException(nameof(mix), mix, "φ lies in [0, 1].");
        if (!Enum.IsDefined(quantity)) throw new ArgumentOutOfRangeException(nameof(quantity), quantity, "There is no such quantity.");
        return new RescaledRule(Finite(scale, nameof(scale)), mix, quantity);
    }

    /// <summary>
    /// Adaptive projected guidance: of the difference Δ = D_c − D_u, averaged over the steps and limited in length, the part along D_c, which oversaturates, is weighted by η: D_c + (w − 1)(Δ⊥ + η·Δ∥).
    /// (Sadat et al. 2024, algorithm 1)
    /// </summary>
    /// <param name="scale">w, finite.</param>
    /// <param name="parallel">η; 0 in the paper, 1 keeps the difference whole.</param>
    /// <param name="largestNorm">r, the largest length of a sample's Δ; positive, may be infinite. 2.5 to 15 in the paper.</param>
    /// <param name="momentum">β of the average m ← Δ + β·m over the evaluations of a run, in (−1, 1); −0.5 or −0.75 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static GuidanceRule Projected(double scale, double parallel = 0, double largestNorm = double.PositiveInfinity, double momentum = 0)
    {
        if (!(largestNorm > 0)) throw new ArgumentOutOfRangeException(nameof(largestNorm), largestNorm, "The largest norm is positive; infinite for no limit.");
        if (!(momentum > -1 && momentum < 1)) throw new ArgumentOutOfRangeException(nameof(momentum), momentum, "The momentum lies in (−1, 1).");
        return new ProjectedRule(Finite(scale, nameof(scale)), Finite(parallel, nameof(parallel)), largestNorm, momentum);
    }

    /// <summary>CFG++: the data of the linear rule with λ, but the noise of the unconditional model, so that the state stays where the model knows it. (Chung et al. 2024, algorithm 1)</summary>
    /// <param name="lambda">λ, finite; in [0, 1] in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static GuidanceRule PlusPlus(double lambda) => new PlusPlusRule(Finite(lambda, nameof(lambda)));

    /// <summary>
    /// CFG-Zero*: the linear rule on velocities whose unconditional one is first scaled to fit the conditional, s·u_u with s = ⟨u_c, u_u⟩/‖u_u‖². Where the level's slopes are known. (Fan et al. 2025)
    /// See <see cref="ZeroInit"/> for its other half.
    /// </summary>
    /// <param name="scale">w, finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static GuidanceRule OptimizedScale(double scale) => new OptimizedScaleRule(Finite(scale, nameof(scale)));

    /// <summary>The linear rule with a scale that depends on the level.</summary>
    /// <param name="scale">w at a level; finite.</param>
    public static GuidanceRule Scheduled(Func<NoiseLevel, double> scale)
    {
        ArgumentNullException.ThrowIfNull(scale);
        return new ScheduledRule(scale);
    }

    /// <summary>A number a sample, as a factor of its tensor.</summary>
    internal static Tensor PerSample(Tensor numbers, Tensor like) => numbers.view([like.shape[0], .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);

    private static double Finite(double number, string name) =>
        double.IsFinite(number) ? number : throw new ArgumentOutOfRangeException(name, number, "A scale of guidance must be finite.");
}
