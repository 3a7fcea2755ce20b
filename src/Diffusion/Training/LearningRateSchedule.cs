namespace Diffusion.Training;

/// <summary>How the learning rate changes during a run: a factor on the update rule's own rate. Immutable and thread-safe.</summary>
public abstract class LearningRateSchedule
{
    /// <summary>The factor of a step.</summary>
    /// <param name="step">0 for the first.</param>
    /// <param name="total">
    /// How many steps the run has; an estimate where it is limited by time, infinite where it has no end. Positive.
    /// </param>
    public abstract double Factor(long step, double total);

    /// <summary>Always 1.</summary>
    public static LearningRateSchedule Constant { get; } = new Rule(static (_, _) => 1);

    /// <summary>From 1 at the first step straight down to <paramref name="final"/> at the last.</summary>
    /// <param name="final">The factor at the end, at least 0.</param>
    public static LearningRateSchedule Linear(double final = 0)
    {
        CheckFinal(final);
        return new Rule((step, total) => 1 + (final - 1) * Progress(step, total));
    }

    /// <summary>From 1 at the first step down to <paramref name="final"/> at the last along half a cosine. (Loshchilov and Hutter 2017)</summary>
    /// <param name="final">The factor at the end, at least 0.</param>
    public static LearningRateSchedule Cosine(double final = 0)
    {
        CheckFinal(final);
        return new Rule((step, total) => final + (1 - final) * 0.5 * (1 + Math.Cos(Math.PI * Progress(step, total))));
    }

    /// <summary>1 up to a number of steps, then √(steps/step): for runs whose end is open. (Karras et al. 2024, appendix B)</summary>
    /// <param name="steps">Steps before the rate begins to fall, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is less than 1.</exception>
    public static LearningRateSchedule InverseSquareRoot(long steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        return new Rule((step, _) => step <= steps ? 1 : Math.Sqrt((double)steps / step));
    }

    /// <summary>A schedule of your own.</summary>
    /// <param name="factor">The factor at (step, total).</param>
    public static LearningRateSchedule Of(Func<long, double, double> factor)
    {
        ArgumentNullException.ThrowIfNull(factor);
        return new Rule(factor);
    }

    /// <summary>A straight rise from 0 over the first steps, and then this schedule over the rest of the run.</summary>
    /// <param name="steps">Steps of the rise, at least 0. The first step has rate 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is negative.</exception>
    public LearningRateSchedule WithWarmUp(long steps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        return new Rule((step, total) => step < steps ? (double)step / steps : Factor(step - steps, Math.Max(total - steps, 1)));
    }

    private static double Progress(long step, double total) => Math.Clamp(step / total, 0, 1);

    private static void CheckFinal(double final)
    {
        if (!(final >= 0) || !double.IsFinite(final)) throw new ArgumentOutOfRangeException(nameof(final), final, "The final factor must be finite and at least 0.");
    }

    private sealed class Rule(Func<long, double, double> factor) : LearningRateSchedule
    {
        public override double Factor(long step, double total)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(step);
            if (!(total > 0)) throw new ArgumentOutOfRangeException(nameof(total), total, "A run has at least one step.");
            return factor(step, total);
        }
    }
}
