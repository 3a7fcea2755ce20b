using Diffusion.Operators;

namespace Diffusion.Samplers;

/// <summary>The part of an image that is given: puts it, noised to a state's level, in the place of what a step made there.</summary>
internal sealed class KnownPixels
{
    private readonly Tensor _image;
    private readonly MaskOperator _mask;

    public KnownPixels(Tensor image, Tensor known)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() < 2 || !image.is_floating_point())
            throw new ArgumentException($"The image is {image.dtype} of shape [{string.Join(", ", image.shape)}]; a floating tensor [batch, …] is needed.", nameof(image));
        (_image, _mask) = (image, new MaskOperator(known));
        using var _ = _mask.Apply(image); // refuses a mask that does not fit
    }

    /// <summary>The state after a step with its known pixels drawn anew from q(x_s | x₀): the image itself where the step ends clean.</summary>
    public Tensor Merge(SamplerStep step, Tensor x)
    {
        var to = step.To;
        var (shape, given) = (x.shape, _image.shape);
        if (x.dtype != _image.dtype || x.device.type != _image.device.type || shape.Length != given.Length || (given[0] != 1 && given[0] != shape[0]) || !shape.AsSpan(1).SequenceEqual(given.AsSpan(1)))
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", shape)}] on {x.device}, the image {_image.dtype} [{string.Join(", ", given)}] on {_image.device}; they must be the same.", nameof(x));
        var known = to.Alpha == 1 ? _image : _image.mul(to.Alpha);
        return _mask.Complete(x, to.IsClean ? known : known.add(step.Noise(x), alpha: to.Sigma));
    }
}
