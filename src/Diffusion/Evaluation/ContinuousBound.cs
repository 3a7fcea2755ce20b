using System.Diagnostics;

namespace Diffusion.Evaluation;

/// <summary>
/// The variational bound on −ln p(x₀) in continuous time, the limit of <see cref="VariationalBound"/> with ever more steps: KL(q(x₁ | x₀) ‖ p(x₁)) + ½∫E‖ε − ε̂‖² dλ − E ln p(x₀ | x₀'), with the
/// integral over the log-SNR λ. Of a schedule only the two ends count. Settings only: immutable and thread-safe. (Kingma et al. 2021, eq. 11–18; Song et al. 2021, "Maximum likelihood
/// training of score-based diffusion models")
/// </summary>
/// <remarks>
/// The integral is estimated at random levels, one in each of as many equal shares of ln(1 + e^{λ+2}), with one noise each: right on average whatever their number. In that variable the integrand
/// is even at little noise and finite up to pure noise.
/// </remarks>
/// <param name="points">Levels that a batch is looked at, at least 1.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="points"/> is less than 1.</exception>
public sealed class ContinuousBound(int points = 128)
{
    private const double Knee = 2;

    /// <summary>Levels that a batch is looked at.</summary>
    public int Points { get; } = points >= 1 ? points : throw new ArgumentOutOfRangeException(nameof(points), points, "At least one level is needed.");

    /// <summary>σ/α of the clean end, positive, where the decoder N(z/α, σ²/α²) takes over; the schedule's own least noise where that is more. Default 1e-3.</summary>
    public double LeastNoise
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The least noise must be positive and finite.");
    } = 1e-3;

    /// <summary>σ/α of the noisy end, above <see cref="LeastNoise"/>; the schedule's own most noise where that is less. Default infinite.</summary>
    public double MostNoise
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The most noise must be positive.");
    } = double.PositiveInfinity;

    /// <inheritdoc cref="VariationalBound.Decoder"/>
    public DiscretizedGaussian? Decoder { get; init; }

    /// <inheritdoc cref="VariationalBound.Prior"/>
    public NoisePrior Prior { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = NoisePrior.Drawn;

    /// <summary>The bound of a batch.</summary>
    /// <param name="denoiser">What estimates the data.</param>
    /// <param name="x0">The data [batch, …], float32 or float64; borrowed. On the levels where there is a <see cref="Decoder"/>.</param>
    /// <param name="noise">Where noise and levels come from.</param>
    /// <param name="progress">Told after every level.</param>
    /// <param name="cancellationToken">Looked at before every level.</param>
    /// <returns>Fresh tensors in the caller's scope. Nothing is recorded for gradients.</returns>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the schedule has no level between the two noises.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public BoundTerms Evaluate(IDenoiser denoiser, Tensor x0, NoiseSource noise, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(noise);
        BoundEnds.CheckBatch(x0);
        var (clean, noisy) = new FlowLikelihood { LeastNoise = LeastNoise, MostNoise = MostNoise }.Ends(denoiser.Schedule);
        var (most, least) = (Share(clean.LogSnr), Share(noisy.LogSnr));
        var started = Stopwatch.GetTimestamp();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var fresh = denoiser.BeginRun();
        try
        {
            var (terms, levels) = (new Tensor[Points], new NoiseLevel[Points]);
            for (var i = 0; i < Points; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // From noise to data, as a sampler goes.
                var share = least + (most - least) * (i + Math.Clamp(noise.NextDouble(), 1e-12, 1 - 1e-12)) / Points;
                var logSnr = share + Math.Log(-Exponentials.Expm1(-share)) - Knee; // the inverse of Share
                levels[i] = denoiser.Schedule.AtLogSnr(Math.Clamp(logSnr, noisy.LogSnr, clean.LogSnr));
                // ½‖ε − ε̂‖² = ½SNR·‖x₀ − x̂₀‖², times dλ/dshare = 1 + e^{−λ−2}, times the width of a share.
                var weight = 0.5 * (Math.Exp(logSnr) + Math.Exp(-Knee)) * (most - least) / Points;
                terms[i] = Term(fresh, x0, levels[i], weight, noise);
                progress?.Report(new SamplingProgress(i + 1, Points, levels[i].LogSnr, i + 1, Stopwatch.GetElapsedTime(started)));
            }

            var (prior, diffusion, reconstruction) = (Prior.Divergence(x0, noisy), stack(terms, 1), BoundEnds.Decode(x0, clean, Decoder, noise));
            var total = prior + diffusion.sum(1) + reconstruction;
            foreach (var tensor in new[] { prior, diffusion, reconstruction, total }) tensor.MoveToOuterDisposeScope();
            return new BoundTerms(prior, diffusion, reconstruction, total, levels);
        }
        finally
        {
            if (!ReferenceEquals(fresh, denoiser)) (fresh as IDisposable)?.Dispose();
        }
    }

    private static Tensor Term(IDenoiser denoiser, Tensor x0, NoiseLevel level, double weight, NoiseSource noise)
    {
        using var scope = NewDisposeScope();
        var data = denoiser.Denoise(BoundEnds.Diffuse(x0, level, noise), level).Data;
        return BoundEnds.Sum((x0.to(float64) - data.to(float64)).square()).mul(weight).MoveToOuterDisposeScope();
    }

    // ln(1 + e^{λ+2}): even in λ where there is little noise, in SNR where there is much.
    private static double Share(double logSnr) => Exponentials.SoftPlus(logSnr + Knee);
}
