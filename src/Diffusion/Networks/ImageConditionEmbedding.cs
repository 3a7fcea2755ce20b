using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// An image vector as an addition to the embedded noise label: norm(image·A); and, where there is a hint, the convolutions that shrink a
/// picture to an eighth of its sides.
/// </summary>
internal sealed class ImageConditionEmbedding : nn.Module<Tensor, Tensor>
{
    /// <summary>Channels of the shrunken hint.</summary>
    public const int HintChannels = 4;

    /// <summary>Channels of the hint.</summary>
    public const int HintColors = 3;

    /// <summary>How many times the sides of the state those of the hint are.</summary>
    public const int HintScale = 8;

    [ComponentName(Name = "image_proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "image_norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "input_hint_block")]
    private readonly Sequential? _hint;

    /// <param name="imageWidth">Width of the image vector.</param>
    /// <param name="width">Width of the result.</param>
    /// <param name="hint">Whether there is a hint.</param>
    public ImageConditionEmbedding(long imageWidth, long width, bool hint) : base(nameof(ImageConditionEmbedding))
    {
        _projection = nn.Linear(imageWidth, width);
        _norm = nn.LayerNorm(width);
        if (hint) _hint = HintLayers();
        RegisterComponents();
    }

    /// <param name="image">[batch, imageWidth].</param>
    public override Tensor forward(Tensor image) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        return _norm.call(_projection.call(image)).MoveToOuterDisposeScope();
    }

    /// <summary>Shrinks a hint.</summary>
    /// <param name="picture">[batch, 3, 8·height, 8·width].</param>
    public Tensor Shrink(Tensor picture) => _hint!.call(picture); // → [batch, 4, height, width]

    private static Sequential HintLayers()
    {
        (int From, int To, int Stride)[] convolutions =
            [(HintColors, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 96, 2), (96, 96, 1), (96, 256, 2), (256, HintChannels, 1)];
        var layers = new List<nn.Module<Tensor, Tensor>>();
        foreach (var (from, to, stride) in convolutions)
        {
            if (layers.Count > 0) layers.Add(nn.SiLU());
            layers.Add(nn.Conv2d(from, to, 3, stride: stride, padding: 1));
        }
        return nn.Sequential(layers);
    }
}
