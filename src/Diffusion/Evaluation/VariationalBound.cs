using System.Diagnostics;

namespace Diffusion.Evaluation;

/// <summary>
/// The variational bound on −ln p(x₀) of ancestral sampling along any grid, term by term: L_T = KL(q(x_T | x₀) ‖ p(x_T)), L_{t−1} = KL(q(x_s | x_t, x₀) ‖ p(x_s | x_t)) for
/// every step, and L₀ = −ln p(x₀ | x₁). Settings only: immutable and thread-safe. (Ho et al. 2020, eq. 5; Nichol and Dhariwal 2021, eq. 4–7)
/// </summary>
/// <remarks>
/// Each term is drawn with one noise, so the sum is right on average. A grid that ends at clean data has its last step for a decoder, N(x̂₀, v); one that ends at some noise
/// the decoder N(z/α, σ²/α²), as in the continuous-time bound. The number of steps is part of the model: fewer give a higher bound.
/// </remarks>
/// <param name="variance">The variance of a step, that of the sampler. The learned ones need a denoiser that answers with a variance.</param>
public sealed class VariationalBound(ReverseVariance variance = ReverseVariance.Small)
{
    /// <summary>The variance of a step.</summary>
    public ReverseVariance Variance { get; } = variance;

    /// <summary>The variance of the step to clean data where <see cref="Variance"/> is the posterior's, and the lower end of the range where it is learned within it. Default the published one.</summary>
    public DecoderVariance DecoderVariance { get; init; }

    /// <summary>The decoder of data on levels; null for data on the line, whose decoder is a density. Default null.</summary>
    public DiscretizedGaussian? Decoder { get; init; }

    /// <summary>What the state at the noisy end is taken to be. Default <see cref="NoisePrior.Drawn"/>, which samplers start from.</summary>
    public NoisePrior Prior { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = NoisePrior.Drawn;

    /// <summary>The bound of a batch.</summary>
    /// <param name="denoiser">What estimates the data.</param>
    /// <param name="x0">The data [batch, …], float32 or float64; borrowed. On the levels where there is a <see cref="Decoder"/>.</param>
    /// <param name="grid">The steps, on the denoiser's schedule, from noise to data without a gap.</param>
    /// <param name="noise">Where noise comes from.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>Fresh tensors in the caller's scope. Nothing is recorded for gradients.</returns>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the steps are no falling chain.</exception>
    /// <exception cref="InvalidOperationException">A learned variance was asked for, but the denoiser answers with none.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public BoundTerms Evaluate(IDenoiser denoiser, Tensor x0, TimeGrid grid, NoiseSource noise, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(noise);
        BoundEnds.CheckBatch(x0);
        var kernels = ReverseKernel.Of(grid, Variance, DecoderVariance);
        var started = Stopwatch.GetTimestamp();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var fresh = denoiser.BeginRun();
        try
        {
            var (terms, levels, reconstruction) = (new List<Tensor>(), new List<NoiseLevel>(), default(Tensor));
            for (var i = 0; i < kernels.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var term = Term(fresh, x0, grid[i].At, kernels[i], noise);
                if (kernels[i].IsDecoder) reconstruction = term;
                else
                {
                    terms.Add(term);
                    levels.Add(grid[i].At.Level);
                }

                progress?.Report(new SamplingProgress(i + 1, kernels.Length, grid[i].To.LogSnr, i + 1, Stopwatch.GetElapsedTime(started)));
            }

            reconstruction ??= BoundEnds.Decode(x0, grid.End, Decoder, noise);
            var prior = Prior.Divergence(x0, grid.Start);
            var diffusion = terms.Count > 0 ? stack(terms, 1) : zeros(x0.shape[0], 0, dtype: float64, device: x0.device);
            var total = prior + diffusion.sum(1) + reconstruction;
            foreach (var tensor in new[] { prior, diffusion, reconstruction, total }) tensor.MoveToOuterDisposeScope();
            return new BoundTerms(prior, diffusion, reconstruction, total, levels);
        }
        finally
        {
            if (!ReferenceEquals(fresh, denoiser)) (fresh as IDisposable)?.Dispose();
        }
    }

    // The term of one step for each sample, in float64.
    private Tensor Term(IDenoiser denoiser, Tensor x0, NoisePoint at, ReverseKernel kernel, NoiseSource noise)
    {
        using var scope = NewDisposeScope();
        var estimate = denoiser.Denoise(BoundEnds.Diffuse(x0, at.Level, noise), at);
        var data = estimate.Data.to(float64);
        var logVariance = kernel.Slope == 0 ? tensor(kernel.Offset, float64, x0.device) : Learned(estimate).to(float64).mul(kernel.Slope).add_(kernel.Offset);
        if (kernel.IsDecoder && Decoder is not null) return BoundEnds.Sum(Decoder.LogProbability(x0, data, logVariance)).neg().MoveToOuterDisposeScope();
        var error = x0.to(float64) - data;
        var value = kernel.IsDecoder
            ? ReverseKernel.NegativeLogDensity(logVariance, error)
            : ReverseKernel.Divergence(logVariance, error, tensor(kernel.Gain, float64, x0.device));
        return BoundEnds.Sum(value).MoveToOuterDisposeScope();
    }

    private static Tensor Learned(Estimate estimate) => estimate.VarianceOutput
        ?? throw new InvalidOperationException("A learned variance was asked for, but the model predicts none. Use ReverseVariance.Small or Large, or a network with twice the output channels.");
}
