using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>A text and an image, a vector each, as an addition to the embedded noise label: norm(text·A) + image·B.</summary>
internal sealed class TextImageConditionEmbedding : nn.Module<Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "text_proj")]
    private readonly Linear _text;

    [ComponentName(Name = "text_norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "image_proj")]
    private readonly Linear _image;

    /// <param name="textWidth">Width of the text vector.</param>
    /// <param name="imageWidth">Width of the image vector.</param>
    /// <param name="width">Width of the result.</param>
    public TextImageConditionEmbedding(long textWidth, long imageWidth, long width) : base(nameof(TextImageConditionEmbedding))
    {
        _text = nn.Linear(textWidth, width);
        _norm = nn.LayerNorm(width);
        _image = nn.Linear(imageWidth, width);
        RegisterComponents();
    }

    /// <param name="text">[batch, textWidth].</param>
    /// <param name="image">[batch, imageWidth].</param>
    public override Tensor forward(Tensor text, Tensor image) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        return (_image.call(image) + _norm.call(_text.call(text))).MoveToOuterDisposeScope();
    }
}
