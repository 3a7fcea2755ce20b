using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// Self-attention of the pixels of a feature map whose keys and values are joined by those of a context, in one softmax, with a
/// residual connection (Nichol et al. 2022, GLIDE; unCLIP and IF after it).
/// </summary>
internal sealed class AddedContextAttention : SpatialAttention
{
    private const double Eps = 1e-5;
    private const int ContextGroups = 32;

    private readonly long _heads;

    [ComponentName(Name = "group_norm")]
    private readonly GroupNorm _norm;

    [ComponentName(Name = "norm_cross")]
    private readonly nn.Module<Tensor, Tensor>? _contextNorm;

    [ComponentName(Name = "to_q")]
    private readonly Linear _toQuery;

    [ComponentName(Name = "to_k")]
    private readonly Linear? _toKey;

    [ComponentName(Name = "to_v")]
    private readonly Linear? _toValue;

    [ComponentName(Name = "add_k_proj")]
    private readonly Linear _contextToKey;

    [ComponentName(Name = "add_v_proj")]
    private readonly Linear _contextToValue;

    [ComponentName(Name = "to_out")]
    private readonly ModuleList<Linear> _toOut;

    /// <param name="channels">Channels in and out.</param>
    /// <param name="headWidth">Width of a head; as many heads as fit into the channels.</param>
    /// <param name="contextWidth">Width of a token of the context.</param>
    /// <param name="groups">Groups of the normalisation before.</param>
    /// <param name="onlyContext">Whether the pixels look at the context alone.</param>
    /// <param name="contextNorm">How the context is normalised first; null for not at all.</param>
    public AddedContextAttention(
        long channels, long headWidth, long contextWidth, long groups, bool onlyContext, CrossAttentionNorm? contextNorm)
        : base(nameof(AddedContextAttention))
    {
        _heads = channels / headWidth;
        if (_heads < 1) throw new ArgumentException($"No head of width {headWidth} fits into {channels} channels.", nameof(headWidth));
        var inner = _heads * headWidth;
        _norm = GroupNormalization.Create(groups, channels, Eps);
        _contextNorm = contextNorm switch
        {
            null => null,
            CrossAttentionNorm.Layer => nn.LayerNorm(contextWidth),
            _ => GroupNormalization.Create(ContextGroups, contextWidth, Eps),
        };
        _toQuery = nn.Linear(channels, inner);
        if (!onlyContext)
        {
            _toKey = nn.Linear(channels, inner);
            _toValue = nn.Linear(channels, inner);
        }
        _contextToKey = nn.Linear(contextWidth, inner);
        _contextToValue = nn.Linear(contextWidth, inner);
        _toOut = nn.ModuleList(nn.Linear(inner, channels));
        RegisterComponents();
    }

    /// <summary>The last layer of the residual branch.</summary>
    public Linear Output => _toOut[0];

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="context">What the pixels look at beside each other.</param>
    public override Tensor forward(Tensor x, AttentionContext? context)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        var (height, width) = (x.shape[2], x.shape[3]);
        var pixels = _norm.call(x).flatten(2).transpose(1, 2).contiguous(); // [batch, pixels, channels]
        var tokens = Normalize(context.Tokens);
        var (key, value, bias) = (_contextToKey.call(tokens), _contextToValue.call(tokens), context.Bias);
        if (_toKey is not null)
        {
            key = cat([key, _toKey.call(pixels)], 1);
            value = cat([value, _toValue!.call(pixels)], 1);
            if (bias is not null) bias = nn.functional.pad(bias, (0, pixels.shape[1])); // every pixel counts
        }
        var mixed = ScaledDotProduct.Attend(_toQuery.call(pixels), key, value, _heads, bias);
        var change = Output.call(mixed).transpose(1, 2).unflatten(2, height, width);
        return (x + change).MoveToOuterDisposeScope();
    }

    private Tensor Normalize(Tensor tokens) => _contextNorm switch
    {
        null => tokens,
        GroupNorm norm => norm.call(tokens.transpose(1, 2)).transpose(1, 2),
        var norm => norm.call(tokens),
    };
}
