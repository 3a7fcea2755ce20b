namespace Diffusion.Training;

/// <summary>
/// How much of an average of weights an update keeps: average ← decay·average + (1 − decay)·weights. Updates are counted from 1.
/// Immutable and thread-safe.
/// </summary>
public abstract class AveragingRule
{
    /// <summary>The decay of an update, in [0, 1]; 0 copies the weights.</summary>
    /// <param name="update">1 for the first.</param>
    public abstract double Decay(long update);

    /// <summary>The same decay at every update; the average begins at the initial weights.</summary>
    /// <param name="decay">In [0, 1): 0.9999 remembers about ten thousand steps.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="decay"/> lies outside [0, 1).</exception>
    public static AveragingRule Constant(double decay)
    {
        CheckDecay(decay, nameof(decay));
        return new Rule(_ => decay);
    }

    /// <summary>The constant decay that halves what is remembered in a number of updates.</summary>
    /// <param name="updates">Positive.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="updates"/> is not positive and finite.</exception>
    public static AveragingRule HalfLife(double updates)
    {
        if (!(updates > 0) || !double.IsFinite(updates)) throw new ArgumentOutOfRangeException(nameof(updates), updates, "A half-life must be positive and finite.");
        return Constant(Math.Pow(0.5, 1 / updates));
    }

    /// <summary>(1 + n)/(10 + n) up to a greatest decay, n updates after the start: short runs are averaged briefly, long ones over <paramref name="maximum"/>.</summary>
    /// <param name="maximum">The greatest decay, in [0, 1).</param>
    /// <param name="minimum">The least decay once averaging has begun, in [0, maximum].</param>
    /// <param name="startAfter">The first updates, at least 0, that only copy the weights (one more does in any case).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static AveragingRule Ramp(double maximum = 0.9999, double minimum = 0, long startAfter = 0) =>
        Rising(static n => (1.0 + n) / (10.0 + n), maximum, minimum, startAfter);

    /// <summary>1 − (1 + n/Γ)^(−power) up to a greatest decay. (Crowson's warm-up: with Γ = 1, power 2/3 reaches 0.9999 after a million updates, 3/4 after 215,000.)</summary>
    /// <param name="maximum">The greatest decay, in [0, 1).</param>
    /// <param name="inverseGamma">Γ, positive.</param>
    /// <param name="power">Positive.</param>
    /// <param name="minimum">The least decay once averaging has begun, in [0, maximum].</param>
    /// <param name="startAfter">The first updates, at least 0, that only copy the weights (one more does in any case).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static AveragingRule WarmUp(double maximum = 0.9999, double inverseGamma = 1, double power = 2.0 / 3, double minimum = 0, long startAfter = 0)
    {
        if (!(inverseGamma > 0) || !double.IsFinite(inverseGamma)) throw new ArgumentOutOfRangeException(nameof(inverseGamma), inverseGamma, "Γ must be positive and finite.");
        if (!(power > 0) || !double.IsFinite(power)) throw new ArgumentOutOfRangeException(nameof(power), power, "The power must be positive and finite.");
        return Rising(n => 1 - Math.Pow(1 + n / inverseGamma, -power), maximum, minimum, startAfter);
    }

    /// <summary>
    /// (1 − 1/t)^(γ + 1): the average in which the weights of update s count s^γ, so that its width grows with the run. Averages of two γ
    /// suffice to make up any other afterwards. (Karras et al. 2024, section 3.1)
    /// </summary>
    /// <param name="gamma">γ, at least 0 and finite; 0 is the plain mean of all updates.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gamma"/> is negative or not finite.</exception>
    public static AveragingRule PowerFunction(double gamma) => new PowerFunctionRule(gamma);

    /// <summary>The power-function average of a relative width: the standard deviation of its profile as a share of the run. (Karras et al. 2024, section 3.1)</summary>
    /// <param name="width">In (0, 1/√12]; 0.05 and 0.10 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="width"/> lies outside (0, 1/√12].</exception>
    public static AveragingRule PowerFunctionOfWidth(double width) => new PowerFunctionRule(PowerFunctionRule.GammaOf(width));

    private static Rule Rising(Func<long, double> decay, double maximum, double minimum, long startAfter)
    {
        CheckDecay(maximum, nameof(maximum));
        if (!(minimum >= 0 && minimum <= maximum)) throw new ArgumentOutOfRangeException(nameof(minimum), minimum, $"The least decay lies between 0 and the greatest, {maximum}.");
        ArgumentOutOfRangeException.ThrowIfNegative(startAfter);
        return new Rule(update =>
        {
            var n = update - startAfter - 1;
            return n <= 0 ? 0 : Math.Max(minimum, Math.Min(maximum, decay(n)));
        });
    }

    private static void CheckDecay(double decay, string name)
    {
        if (!(decay >= 0 && decay < 1)) throw new ArgumentOutOfRangeException(name, decay, "A decay lies in [0, 1).");
    }

    private sealed class Rule(Func<long, double> decay) : AveragingRule
    {
        public override double Decay(long update)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(update, 1);
            return decay(update);
        }
    }
}
