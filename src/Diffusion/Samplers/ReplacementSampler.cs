namespace Diffusion.Samplers;

/// <summary>
/// Inpainting by replacement: walks with any other sampler and after each step puts the known pixels, noised to the level of the state, in their place. They come back exactly as
/// given. (Sohl-Dickstein et al. 2015; Song et al. 2021, appendix I.2)
/// </summary>
/// <remarks>
/// The unknown part is biased: it is not told of the known one until a step later. Of two numbers with correlation 0.9 the second is drawn with a mean of 0.62 times the first in 250 ancestral
/// steps rather than 0.9. <see cref="RePaintSampler"/>, DDNM and ΠGDM are closer. Of the other sampler the single steps are used, so it must not be one that chooses its own.
/// </remarks>
public sealed class ReplacementSampler : Sampler
{
    private readonly Sampler _inner;
    private readonly KnownPixels _known;

    /// <summary>A sampler that keeps the known pixels of an image.</summary>
    /// <param name="inner">Whose steps are taken.</param>
    /// <param name="image">The image [batch, …] of the shape, type and device of the state; what it holds at unknown pixels does not count. Borrowed.</param>
    /// <param name="known">Bool, true where the image is given; of the image's shape, or with lengths of 1 that stand for all. Borrowed.</param>
    /// <exception cref="ArgumentException">The image is not floating, or the mask is not bool or does not fit the image.</exception>
    public ReplacementSampler(Sampler inner, Tensor image, Tensor known)
    {
        ArgumentNullException.ThrowIfNull(inner);
        (_inner, _known) = (inner, new KnownPixels(image, known));
    }

    /// <inheritdoc/>
    protected internal override int HistoryLength => _inner.HistoryLength;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state has another shape, type or device than the image.</exception>
    protected override Tensor Step(SamplerStep step, Tensor x) => _known.Merge(step, _inner.Take(step, x));

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
