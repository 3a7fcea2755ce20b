using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>An image vector and a text as one context: ten tokens of the image, then those of the text.</summary>
internal sealed class TextImageTokens : nn.Module<Tensor, Tensor, Tensor>
{
    /// <summary>Tokens that the image becomes.</summary>
    public const int Tokens = 10;

    [ComponentName(Name = "image_embeds")]
    private readonly Linear _image;

    [ComponentName(Name = "text_proj")]
    private readonly Linear _text;

    /// <param name="textWidth">Width of a token of the text.</param>
    /// <param name="imageWidth">Width of the image vector.</param>
    /// <param name="width">Width of a token of the result.</param>
    public TextImageTokens(long textWidth, long imageWidth, long width) : base(nameof(TextImageTokens))
    {
        _image = nn.Linear(imageWidth, Tokens * width);
        _text = nn.Linear(textWidth, width);
        RegisterComponents();
    }

    /// <param name="text">[batch, tokens, textWidth].</param>
    /// <param name="image">[batch, imageWidth].</param>
    public override Tensor forward(Tensor text, Tensor image) // → [batch, 10 + tokens, width]
    {
        using var scope = NewDisposeScope();
        return cat([_image.call(image).unflatten(1, Tokens, -1), _text.call(text)], 1).MoveToOuterDisposeScope();
    }
}
