namespace Diffusion.Schedules;

/// <summary>
/// Any schedule with the data's factor divided out: α = 1 and σ = σ/α at the same time and log-SNR. The coordinates of Karras et al. 2022, in
/// which the flow's trajectories are those of the inner schedule divided by α.
/// </summary>
/// <param name="inner">The schedule; where it reaches α = 0 this form is infinite and asking for it is an error.</param>
public sealed class VarianceExplodingForm(NoiseSchedule inner) : NoiseSchedule
{
    /// <summary>The schedule that this is a form of.</summary>
    public NoiseSchedule Inner { get; } = inner ?? throw new ArgumentNullException(nameof(inner));

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The time lies outside [0, 1], or the inner schedule holds no data there.</exception>
    public override NoiseLevel At(double time)
    {
        var level = Inner.At(time);
        if (!(level.Alpha > 0))
            throw new ArgumentOutOfRangeException(nameof(time), time, $"{Inner.GetType().Name} has α = 0 at t = {time}: σ/α is infinite there. Start a little below.");
        var sigma = level.Sigma / level.Alpha;
        // d(σ²/α²)/dt = g²/α², finite also where σ = 0 and the slope of σ is not.
        var varianceDot = level.DiffusionSquared / (level.Alpha * level.Alpha);
        var sigmaDot = sigma > 0 ? varianceDot / (2 * sigma) : level.SigmaDot / level.Alpha;
        return new NoiseLevel(time, 1, sigma, 0, sigmaDot) { VarianceDot = varianceDot };
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr) => Inner.TimeAtLogSnr(logSnr);

    /// <inheritdoc/>
    public override NoiseLevel AtOrAboveNoise(double noiseToSignal) =>
        Inner.At(1).Alpha == 0 ? AtNoiseToSignal(noiseToSignal) : base.AtOrAboveNoise(noiseToSignal); // without a noisiest level nothing lies above
}
