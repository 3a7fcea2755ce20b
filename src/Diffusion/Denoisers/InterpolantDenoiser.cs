namespace Diffusion.Denoisers;

/// <summary>
/// A trained stochastic interpolant: its velocity b, its score, and both as what samplers and simulations ask for. As a denoiser its estimate is the one whose velocity is b, so that every solver of
/// the flow in time or angle runs it, whatever the two ends are. Borrows the network.
/// </summary>
/// <remarks>
/// The ends need not be Gaussian, so samplers that make a score of ε̂ do not apply. With noise, simulate <see cref="Reverse"/>: towards data, in the time τ = 1 − t, with any diffusion h,
/// <code>
/// new ItoProcess((x, τ) => model.Reverse(x, 1 − τ, h * h), (x, τ) => full(1, h)).Simulate(x1, times, noise)
/// </code>
/// (Albergo et al. 2023, theorem 2.8 and corollary 2.18)
/// </remarks>
public sealed class InterpolantDenoiser : IDenoiser
{
    private readonly DenoisingNetwork _network;
    private readonly LatentNoise _latent;
    private readonly InterpolantTarget _target;
    private readonly Conditioning? _condition;
    private readonly NoiseLabel _label;

    /// <summary>The interpolant of a network that was trained by its objective.</summary>
    /// <param name="network">The network; put it into evaluation mode before several threads share it.</param>
    /// <param name="path">α and β.</param>
    /// <param name="latent">γ.</param>
    /// <param name="target">What the network returns: the velocity, or drift and noise.</param>
    /// <param name="condition">The side information of the batch; null for none.</param>
    /// <param name="label">What the network is told about the time; <see cref="NoiseLabel.Default"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The target is the noise alone, from which no velocity follows.</exception>
    public InterpolantDenoiser(DenoisingNetwork network, NoiseSchedule path, LatentNoise latent, InterpolantTarget target = InterpolantTarget.Velocity, Conditioning? condition = null, NoiseLabel? label = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(latent);
        if (target is not (InterpolantTarget.Velocity or InterpolantTarget.DriftAndNoise))
            throw new ArgumentOutOfRangeException(nameof(target), target, "The velocity is needed: train towards it, or towards drift and noise.");
        (_network, Schedule, _latent, _target, _condition, _label) = (network, path, latent, target, condition, label ?? NoiseLabel.Default);
    }

    /// <inheritdoc/>
    public NoiseSchedule Schedule { get; }

    /// <summary>The velocity b of the flow dx = b dt.</summary>
    /// <param name="x">The state [batch, …]; borrowed.</param>
    /// <param name="time">In [0, 1].</param>
    /// <returns>Fresh in the caller's scope.</returns>
    /// <exception cref="InvalidOperationException">dγ/dt is infinite at this time, or the network returned another shape.</exception>
    public Tensor Velocity(Tensor x, double time)
    {
        using var scope = NewDisposeScope();
        return Parts(x, Schedule.At(time), null).Velocity.MoveToOuterDisposeScope();
    }

    /// <summary>The score ∇ln p_t = −η/γ.</summary>
    /// <inheritdoc cref="Velocity" path="/param|/returns"/>
    /// <exception cref="InvalidOperationException">γ = 0 at this time, or the network returns no noise.</exception>
    public Tensor Score(Tensor x, double time)
    {
        using var scope = NewDisposeScope();
        var gamma = _latent.At(time).Gamma;
        if (!(gamma > 0)) throw new InvalidOperationException($"γ = {gamma} at t = {time:g6}, where the noise says nothing of the score.");
        return (Parts(x, Schedule.At(time), null).Noise ?? throw NoNoise()).mul(-1 / gamma).MoveToOuterDisposeScope();
    }

    /// <summary>The drift towards data of the equation with the marginals of the flow and a diffusion h: −b + ½h²·∇ln p.</summary>
    /// <inheritdoc cref="Velocity" path="/param|/returns"/>
    /// <param name="x">The state [batch, …]; borrowed.</param>
    /// <param name="time">In [0, 1].</param>
    /// <param name="diffusionSquared">h², at least 0 and finite.</param>
    /// <exception cref="InvalidOperationException">γ = 0 at this time while h is not 0, or the network returns no noise.</exception>
    public Tensor Reverse(Tensor x, double time, double diffusionSquared)
    {
        if (!(diffusionSquared >= 0) || !double.IsFinite(diffusionSquared)) throw new ArgumentOutOfRangeException(nameof(diffusionSquared), diffusionSquared, "h² must be finite and at least 0.");
        using var scope = NewDisposeScope();
        var (velocity, noise) = Parts(x, Schedule.At(time), null);
        if (diffusionSquared == 0) return velocity.neg().MoveToOuterDisposeScope();
        var gamma = _latent.At(time).Gamma;
        if (!(gamma > 0)) throw new InvalidOperationException($"γ = {gamma} at t = {time:g6}, where the noise says nothing of the score; let h be 0 there.");
        return (noise ?? throw NoNoise()).mul(-diffusionSquared / (2 * gamma)).sub_(velocity).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The level has no time, the path has no finite slope there, or the state's batch is not that of the condition.</exception>
    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        var level = at.Level;
        var wronskian = level.SigmaDot * level.Alpha - level.Sigma * level.AlphaDot;
        if (double.IsNaN(level.Time) || !double.IsFinite(wronskian))
            throw new ArgumentException($"An interpolant is asked at a time with finite slopes; t = {level.Time}, dα/dt = {level.AlphaDot}, dβ/dt = {level.SigmaDot}.", nameof(at));
        using var scope = NewDisposeScope();
        return new Estimate(Estimate.Combine(level.SigmaDot / wronskian, x, -level.Sigma / wronskian, Parts(x, level, at.Label).Velocity)).MoveToOuterDisposeScope();
    }

    private (Tensor Velocity, Tensor? Noise) Parts(Tensor x, NoiseLevel level, double? label)
    {
        ArgumentNullException.ThrowIfNull(x);
        var both = _target == InterpolantTarget.DriftAndNoise;
        if (x.dim() < (both ? 2 : 1) || !x.is_floating_point())
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, {(both ? "channels, " : "")}…] is needed.", nameof(x));
        if (_condition?.BatchSize is { } batch && batch != x.shape[0]) throw new ArgumentException($"The state has {x.shape[0]} samples, the condition {batch}.", nameof(x));
        var wasTraining = _network.training;
        if (wasTraining) _network.eval();
        try
        {
            var output = _network.call(x, full(x.shape[0], label ?? _label.At(level), x.dtype, x.device), _condition);
            long[] needed = both ? [x.shape[0], 2 * x.shape[1], .. x.shape[2..]] : x.shape;
            if (!output.shape.AsSpan().SequenceEqual(needed))
                throw new InvalidOperationException($"The network returned [{string.Join(", ", output.shape)}] for a state [{string.Join(", ", x.shape)}]; {_target} needs [{string.Join(", ", needed)}].");
            if (!both) return (output, null);
            var parts = output.chunk(2, 1);
            var (gamma, gammaDot) = _latent.At(level.Time);
            if (double.IsFinite(gammaDot)) return (Estimate.Combine(1, parts[0], gammaDot, parts[1]), parts[1]);
            // E[z | x_t] vanishes with γ, and γ·dγ/dt does not; the limit of the product is not in the network's reach.
            throw new InvalidOperationException($"dγ/dt is infinite at t = {level.Time:g6} (γ = {gamma:g6}), so the velocity is not to be had there; start a little inside.");
        }
        finally
        {
            if (wasTraining) _network.train();
        }
    }

    private InvalidOperationException NoNoise() => new($"The network returns {_target}, from which no score follows; train towards {nameof(InterpolantTarget.DriftAndNoise)}.");
}
