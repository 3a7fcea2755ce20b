namespace Diffusion.Dynamics;

/// <summary>
/// The unadjusted Langevin algorithm: x ← x + ε·∇ln p(x) + √(2εT)·z. It settles near p^{1/T}, too wide by about ε: on N(0, s²) at T = 1 at the variance
/// s²/(1 − ε/2s²). <see cref="MetropolisLangevin"/> has no such bias. Immutable. (Parisi 1981; Roberts and Tweedie 1996)
/// </summary>
public sealed class UnadjustedLangevin
{
    private readonly Func<Tensor, Tensor> _score;

    /// <summary>The algorithm for a density.</summary>
    /// <param name="score">
    /// ∇ln p at a state: borrows [batch, …], returns a fresh tensor of that shape. <see cref="ScoreFunctions.OfDenoiser"/> makes one of a denoiser.
    /// </param>
    /// <param name="stepSize">ε, positive.</param>
    /// <param name="temperature">T, at least 0; 1 samples from p itself, 0 climbs it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public UnadjustedLangevin(Func<Tensor, Tensor> score, double stepSize, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(score);
        LangevinSettings.CheckStepSize(stepSize);
        LangevinSettings.CheckTemperature(temperature);
        _score = score;
        StepSize = stepSize;
        Temperature = temperature;
    }

    /// <summary>ε.</summary>
    public double StepSize { get; }

    /// <summary>T.</summary>
    public double Temperature { get; }

    /// <summary>Runs chains, one a sample of the batch.</summary>
    /// <param name="start">Where they start [batch, …], floating; borrowed.</param>
    /// <param name="steps">Number of steps, at least 0.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="onStep">Sees the number of steps done and the state, borrowed; null for none.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>Where they end, fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The start is not a floating batch.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public Tensor Sample(Tensor start, int steps, NoiseSource noise, Action<int, Tensor>? onStep = null, CancellationToken cancellationToken = default) =>
        Chains.Run(start, steps, noise, (x, _) => x.add(_score(x), alpha: StepSize).add_(noise.NextLike(x), alpha: Math.Sqrt(2 * StepSize * Temperature)), onStep, cancellationToken);
}
