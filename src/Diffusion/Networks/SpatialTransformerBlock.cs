using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A block of latent diffusion's transformer (Rombach et al. 2022): self-attention, attention to the context, feed-forward; each on
/// the normalised sequence and with a residual connection.
/// </summary>
internal sealed class SpatialTransformerBlock : nn.Module
{
    private readonly bool _onlyCrossAttention;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "attn1")]
    private readonly CrossAttention _attention1;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "attn2")]
    private readonly CrossAttention _attention2;

    [ComponentName(Name = "norm3")]
    private readonly LayerNorm _norm3;

    [ComponentName(Name = "ff")]
    private readonly FeedForward _feedForward;

    public SpatialTransformerBlock(long width, SpatialTransformerOptions options, long headWidth) : base(nameof(SpatialTransformerBlock))
    {
        _onlyCrossAttention = options.OnlyCrossAttention;
        var (heads, context, upcast) = (options.Heads, options.ContextWidth, options.Upcast);
        _norm1 = nn.LayerNorm(width);
        _attention1 = new CrossAttention(width, _onlyCrossAttention ? context : width, heads, headWidth, upcast);
        _norm2 = nn.LayerNorm(width);
        _attention2 = new CrossAttention(width, context, heads, headWidth, upcast);
        _norm3 = nn.LayerNorm(width);
        _feedForward = new FeedForward(width);
        RegisterComponents();
    }

    /// <param name="h">[batch, pixels, width].</param>
    /// <param name="context">What the second attention looks at; the pixels themselves where null.</param>
    public Tensor Run(Tensor h, AttentionContext? context)
    {
        using var scope = NewDisposeScope();
        var normalized = _norm1.call(h);
        // As published: the mask of the context is applied in the second attention only, even where both look at the context.
        h = _attention1.Attend(normalized, _onlyCrossAttention && context is not null ? context.Tokens : normalized, null).add_(h);
        normalized = _norm2.call(h);
        h = _attention2.Attend(normalized, context?.Tokens ?? normalized, context?.Bias).add_(h);
        return _feedForward.call(_norm3.call(h)).add_(h).MoveToOuterDisposeScope();
    }
}
