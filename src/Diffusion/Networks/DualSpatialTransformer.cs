using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// Two transformers for a context of two parts, a text and an image (Xu et al. 2022, Versatile Diffusion): the first part is for the
/// second transformer, the second for the first, and their changes are averaged.
/// </summary>
internal sealed class DualSpatialTransformer : SpatialAttention
{
    /// <summary>Tokens of the first part: a text of CLIP.</summary>
    public const int TextTokens = 77;

    /// <summary>Tokens of the second part: an image of CLIP's large vision transformer.</summary>
    public const int ImageTokens = 257;

    [ComponentName(Name = "transformers")]
    private readonly ModuleList<SpatialTransformer> _transformers;

    /// <param name="channels">Channels in and out.</param>
    /// <param name="options">Settings of the level.</param>
    public DualSpatialTransformer(long channels, SpatialTransformerOptions options) : base(nameof(DualSpatialTransformer))
    {
        _transformers = new(new SpatialTransformer(channels, 1, options), new SpatialTransformer(channels, 1, options));
        RegisterComponents();
    }

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="context"><see cref="TextTokens"/> and then <see cref="ImageTokens"/> tokens.</param>
    public override Tensor forward(Tensor x, AttentionContext? context)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        var text = _transformers[1].call(x, context.Part(0, TextTokens));
        var image = _transformers[0].call(x, context.Part(TextTokens, ImageTokens));
        // Each contains x: the mean is x and the mean of the changes.
        return text.add_(image).div_(2).MoveToOuterDisposeScope();
    }
}
