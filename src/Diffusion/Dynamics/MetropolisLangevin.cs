namespace Diffusion.Dynamics;

/// <summary>
/// The Metropolis-adjusted Langevin algorithm: a step of <see cref="UnadjustedLangevin"/> is a proposal that is accepted with the probability
/// min(1, p(x')q(x | x')/p(x)q(x' | x)), so that p^{1/T} is stationary whatever the step size. About 57 % of proposals should be accepted. Immutable.
/// (Besag 1994; Roberts and Tweedie 1996)
/// </summary>
public sealed class MetropolisLangevin
{
    private readonly Func<Tensor, Tensor> _logDensity;

    /// <summary>The algorithm for a density.</summary>
    /// <param name="logDensity">ln p up to a constant: borrows [batch, …], returns [batch], differentiable. −∞ where there is no density.</param>
    /// <param name="stepSize">ε, positive.</param>
    /// <param name="temperature">T, positive; 1 samples from p itself.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public MetropolisLangevin(Func<Tensor, Tensor> logDensity, double stepSize, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(logDensity);
        LangevinSettings.CheckStepSize(stepSize);
        LangevinSettings.CheckTemperature(temperature);
        if (temperature == 0) throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "Proposals cannot be accepted or refused at temperature 0; it must be positive.");
        _logDensity = logDensity;
        StepSize = stepSize;
        Temperature = temperature;
    }

    /// <summary>ε.</summary>
    public double StepSize { get; }

    /// <summary>T.</summary>
    public double Temperature { get; }

    /// <summary>Runs chains, one a sample of the batch.</summary>
    /// <param name="start">Where they start [batch, …], floating and of positive density; borrowed.</param>
    /// <param name="steps">Number of steps, at least 0.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="onStep">Sees the number of steps done and the state, borrowed; null for none.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>Where they end and how often each moved.</returns>
    /// <exception cref="ArgumentException">The start is not a floating batch.</exception>
    /// <exception cref="InvalidOperationException">The density returned another shape than [batch].</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public MetropolisSample Sample(Tensor start, int steps, NoiseSource noise, Action<int, Tensor>? onStep = null, CancellationToken cancellationToken = default)
    {
        LangevinSettings.CheckStart(start);
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        var accepted = zeros(start.shape[0], dtype: float64, device: start.device);
        var here = ScoreFunctions.Gradient(_logDensity, start);
        var end = Chains.Run(start, steps, noise, (x, _) =>
        {
            var proposal = x.add(here.Score, alpha: StepSize).add_(noise.NextLike(x), alpha: Math.Sqrt(2 * StepSize * Temperature));
            var there = ScoreFunctions.Gradient(_logDensity, proposal);
            var logRatio = (there.LogDensity - here.LogDensity) / Temperature + LogProposal(x, proposal, there.Score) - LogProposal(proposal, x, here.Score);
            // u uniform as Φ(z): normals come from the source's own stream for each sample.
            var uniform = special.ndtr(noise.Next([x.shape[0]], float64, x.device));
            var accept = uniform.log().le(logRatio.to(float64)); // false where the ratio is no number
            accepted.add_(accept.to(float64));
            var shaped = accept.view([x.shape[0], .. Enumerable.Repeat(1L, (int)x.dim() - 1)]);
            var next = (where(accept, there.LogDensity, here.LogDensity), where(shaped, there.Score, here.Score));
            (here.LogDensity, here.Score) = (Replace(here.LogDensity, next.Item1), Replace(here.Score, next.Item2));
            return where(shaped, proposal, x);
        }, onStep, cancellationToken);
        return new MetropolisSample(end.MoveToOuterDisposeScope(), accepted.div_(Math.Max(steps, 1)).MoveToOuterDisposeScope());
    }

    // ln q(to | from) up to a constant, from the score at the state it starts from.
    private Tensor LogProposal(Tensor to, Tensor from, Tensor score) =>
        (to - from).add_(score, alpha: -StepSize).square().view(to.shape[0], -1).sum(1).div_(-4 * StepSize * Temperature);

    // What lives from step to step belongs to no step's scope.
    private static Tensor Replace(Tensor old, Tensor next)
    {
        old.Dispose();
        return next.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
    }
}
