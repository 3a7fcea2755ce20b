using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>What the transformers of one level have in common.</summary>
/// <param name="Heads">Attention heads; each has channels / heads numbers, rounded down.</param>
/// <param name="ContextWidth">Width of a token of the context.</param>
/// <param name="Groups">Groups of the normalisation before.</param>
/// <param name="LinearProjection">Whether linear layers, rather than 1×1 convolutions, lead in and out.</param>
/// <param name="OnlyCrossAttention">Whether the first attention of a block looks at the context too, instead of at the image.</param>
/// <param name="Upcast">Whether half precision attends in float32.</param>
internal sealed record SpatialTransformerOptions(
    long Heads, long ContextWidth, long Groups, bool LinearProjection = false, bool OnlyCrossAttention = false, bool Upcast = false);

/// <summary>
/// The transformer of latent diffusion (Rombach et al. 2022, section 3.3): the pixels of a feature map as a sequence through
/// transformer blocks that attend to it and to a context, with a residual connection around all.
/// </summary>
internal sealed class SpatialTransformer : SpatialAttention
{
    private const double Eps = 1e-6;

    [ComponentName(Name = "norm")]
    private readonly GroupNorm _norm;

    [ComponentName(Name = "proj_in")]
    private readonly nn.Module<Tensor, Tensor> _inward;

    [ComponentName(Name = "transformer_blocks")]
    private readonly ModuleList<SpatialTransformerBlock> _blocks = new();

    [ComponentName(Name = "proj_out")]
    private readonly nn.Module<Tensor, Tensor> _outward;

    /// <param name="channels">Channels in and out.</param>
    /// <param name="blocks">Number of transformer blocks.</param>
    /// <param name="options">Settings of the level.</param>
    public SpatialTransformer(long channels, int blocks, SpatialTransformerOptions options) : base(nameof(SpatialTransformer))
    {
        var headWidth = channels / options.Heads;
        if (headWidth < 1) throw new ArgumentException($"{options.Heads} attention heads do not fit into {channels} channels.", nameof(options));
        var width = options.Heads * headWidth;
        _norm = GroupNormalization.Create(options.Groups, channels, Eps);
        _inward = Projection(channels, width, options.LinearProjection);
        for (var i = 0; i < blocks; i++) _blocks.Add(new SpatialTransformerBlock(width, options, headWidth));
        _outward = Projection(width, channels, options.LinearProjection);
        RegisterComponents();
    }

    /// <summary>The last layer of the residual branch.</summary>
    public nn.Module Output => _outward;

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="context">What the blocks attend to; the pixels themselves where null.</param>
    public override Tensor forward(Tensor x, AttentionContext? context)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (x.shape[2], x.shape[3]);
        var linear = _inward is Linear;
        var h = _norm.call(x);
        h = linear ? _inward.call(Sequence(h)) : Sequence(_inward.call(h));
        foreach (var block in _blocks) h = block.Run(h, context);
        h = linear ? Image(_outward.call(h), height, width) : _outward.call(Image(h, height, width));
        return (h + x).MoveToOuterDisposeScope();
    }

    private static nn.Module<Tensor, Tensor> Projection(long from, long to, bool linear) =>
        linear ? nn.Linear(from, to) : nn.Conv2d(from, to, 1);

    private static Tensor Sequence(Tensor image) => image.flatten(2).transpose(1, 2); // [batch, pixels, channels]

    private static Tensor Image(Tensor sequence, long height, long width) => sequence.transpose(1, 2).unflatten(2, height, width);
}
