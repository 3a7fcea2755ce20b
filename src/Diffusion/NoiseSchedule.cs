namespace Diffusion;

/// <summary>
/// How data turns into noise: x_t = α(t)·x₀ + σ(t)·x₁ with t = 0 data and t = 1 noise. Immutable, thread-safe, and all in
/// double precision: no tensor is involved.
/// </summary>
public abstract class NoiseSchedule
{
    /// <summary>The noise level at a time.</summary>
    /// <param name="time">In [0, 1], 0 data and 1 noise.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> lies outside [0, 1] or is NaN.</exception>
    public abstract NoiseLevel At(double time);

    /// <summary>The time at which the schedule has a signal-to-noise ratio; the inverse of <see cref="At"/>.</summary>
    /// <param name="logSnr">2·ln(α/σ); may be infinite where the schedule reaches pure data or pure noise.</param>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never reaches <paramref name="logSnr"/>; it is never clamped.</exception>
    public abstract double TimeAtLogSnr(double logSnr);

    /// <summary>The level that has a signal-to-noise ratio.</summary>
    /// <inheritdoc cref="TimeAtLogSnr" path="/param|/exception"/>
    public NoiseLevel AtLogSnr(double logSnr) => At(TimeAtLogSnr(logSnr));

    /// <summary>The level at which σ/α takes a value: the σ of Karras et al. 2022.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The schedule never reaches the value.</exception>
    public NoiseLevel AtNoiseToSignal(double noiseToSignal) => AtLogSnr(-2 * Math.Log(noiseToSignal));

    /// <summary>
    /// The level at which σ/α takes a value, also where the schedule never reaches it: there the noisy end's α is kept and the time is NaN, which is how
    /// EDM's churn rises above σ_max. A denoiser that is told the time refuses such a level.
    /// </summary>
    /// <param name="noiseToSignal">σ/α, positive and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value lies below what the schedule reaches, or is not positive and finite.</exception>
    public virtual NoiseLevel AtOrAboveNoise(double noiseToSignal)
    {
        var noisiest = At(1);
        return noiseToSignal > noisiest.NoiseToSignal && double.IsFinite(noiseToSignal)
            ? NoiseLevel.Of(noisiest.Alpha, noisiest.Alpha * noiseToSignal)
            : AtNoiseToSignal(noiseToSignal);
    }

    /// <summary>Clean data: σ = 0, where every default time grid ends.</summary>
    public NoiseLevel Clean
    {
        get
        {
            var start = At(0);
            return start.IsClean ? start : new NoiseLevel(0, start.Alpha, 0, start.AlphaDot, start.SigmaDot);
        }
    }

    /// <summary>Draws the state that sampling starts from: σ·z at the noisy end (σ_max·z for variance exploding).</summary>
    /// <param name="shape">Shape of the state, batch first.</param>
    /// <param name="noise">Where the random numbers come from.</param>
    /// <param name="time">The time to start from; 1 by default.</param>
    /// <param name="dtype">Floating type of the state; float32 by default.</param>
    /// <param name="device">Where the state lives; the CPU by default.</param>
    /// <returns>A fresh tensor in the caller's scope. What is left of the data at the start (α·x₀) is taken to be nothing.</returns>
    public Tensor DrawPrior(ReadOnlySpan<long> shape, NoiseSource noise, double time = 1, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(noise);
        using var unit = noise.Next(shape, dtype, device ?? CPU);
        return unit.mul(At(time).Sigma);
    }

    /// <summary>Refuses a time outside [0, 1].</summary>
    protected static void CheckTime(double time)
    {
        if (!(time >= 0 && time <= 1))
            throw new ArgumentOutOfRangeException(nameof(time), time, "A time lies in [0, 1]: 0 is data, 1 is noise.");
    }

    /// <summary>The error of a signal-to-noise ratio that a schedule never reaches.</summary>
    protected ArgumentOutOfRangeException Unreached(double logSnr) => new(nameof(logSnr), logSnr,
        $"{GetType().Name} runs from log-SNR {At(0).LogSnr:g6} (t = 0) to {At(1).LogSnr:g6} (t = 1) and never reaches {logSnr:g6}.");
}
