namespace Diffusion.Samplers;

/// <summary>
/// Predictor–corrector sampling: at each level Langevin steps correct the state, then a predictor takes it to the next level. (Song et al. 2021, algorithms 2
/// and 3, in the order of the published code: the corrector acts on the first level too and the last word is the predictor's)
/// </summary>
/// <remarks>
/// The published pairs: <see cref="ReverseDiffusionSampler"/> for variance exploding, <see cref="EulerMaruyamaSampler"/> for variance preserving;
/// <see cref="DdpmSampler"/> is the ancestral predictor. Only for Gaussian noise.
/// </remarks>
public sealed class PredictorCorrectorSampler : Sampler
{
    private readonly Sampler _predictor;
    private readonly LangevinCorrector _corrector;

    /// <summary>A pair.</summary>
    /// <param name="predictor">Takes the state from level to level; any sampler that does not look back.</param>
    /// <param name="corrector">Corrects it at each level; r = 0.16 with norms averaged over the batch if null.</param>
    /// <exception cref="ArgumentException">The predictor looks back at earlier steps, whose states a corrector has moved.</exception>
    public PredictorCorrectorSampler(Sampler? predictor = null, LangevinCorrector? corrector = null)
    {
        _predictor = predictor ?? new ReverseDiffusionSampler();
        _corrector = corrector ?? LangevinCorrector.SignalToNoise();
        if (_predictor.HistoryLength > 0)
            throw new ArgumentException($"{_predictor.GetType().Name} looks back at {_predictor.HistoryLength} earlier steps; a corrector moves the state away from them. Use a one-step predictor.", nameof(predictor));
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x) => _predictor.Take(step, _corrector.Correct(step, x));

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
