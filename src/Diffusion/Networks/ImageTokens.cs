using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>An image vector as a context: a linear layer to a number of tokens, each normalised.</summary>
internal sealed class ImageTokens : nn.Module<Tensor, Tensor>
{
    private const int Tokens = 32;

    [ComponentName(Name = "image_embeds")]
    private readonly Linear _tokens;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    /// <param name="imageWidth">Width of the image vector.</param>
    /// <param name="width">Width of a token.</param>
    public ImageTokens(long imageWidth, long width) : base(nameof(ImageTokens))
    {
        _tokens = nn.Linear(imageWidth, Tokens * width);
        _norm = nn.LayerNorm(width);
        RegisterComponents();
    }

    /// <param name="image">[batch, imageWidth].</param>
    public override Tensor forward(Tensor image) // → [batch, 32, width]
    {
        using var scope = NewDisposeScope();
        return _norm.call(_tokens.call(image).unflatten(1, Tokens, -1)).MoveToOuterDisposeScope();
    }
}
