namespace Diffusion.Denoisers;

/// <summary>
/// A denoiser seen from another Gaussian schedule: the level of the same log-SNR is looked up and the state rescaled. A network trained with
/// one schedule is so sampled on any other, with the same trajectories: the equivalence of DDPM and score-based models. Only for Gaussian noise.
/// </summary>
/// <param name="inner">The denoiser; borrowed.</param>
/// <param name="schedule">The schedule of the states that are given.</param>
public sealed class RescheduledDenoiser(IDenoiser inner, NoiseSchedule schedule) : DenoiserDecorator(inner)
{
    /// <inheritdoc/>
    public override NoiseSchedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The inner schedule never has this signal-to-noise ratio.</exception>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var level = Inner[0].Schedule.AtLogSnr(at.Level.LogSnr);
        var estimate = Inner[0].Denoise(x.mul(level.Sigma / at.Level.Sigma), new NoisePoint(level, at.Label));
        // x̂₀ and ε̂ are the same in every schedule; only the state is scaled.
        return estimate.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new RescheduledDenoiser(inner[0], Schedule);
}
