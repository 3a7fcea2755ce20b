using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Self-attention of the pixels of a feature map, with a residual connection (Ho et al. 2020).</summary>
internal sealed class ImageAttention : SpatialAttention
{
    private readonly long _heads;
    private readonly double _outputScale;

    [ComponentName(Name = "group_norm")]
    private readonly GroupNorm? _norm;

    [ComponentName(Name = "to_q")]
    private readonly Linear _toQuery;

    [ComponentName(Name = "to_k")]
    private readonly Linear _toKey;

    [ComponentName(Name = "to_v")]
    private readonly Linear _toValue;

    [ComponentName(Name = "to_out")]
    private readonly ModuleList<Linear> _toOut;

    /// <param name="channels">Channels in and out.</param>
    /// <param name="headWidth">Width of a head; as many heads as fit into the channels.</param>
    /// <param name="normGroups">Groups of the normalisation before; null for none.</param>
    /// <param name="eps">Of the normalisation.</param>
    /// <param name="outputScale">What the sum of input and result is divided by.</param>
    public ImageAttention(long channels, long headWidth, long? normGroups, double eps, double outputScale) : base(nameof(ImageAttention))
    {
        _heads = channels / headWidth;
        if (_heads < 1) throw new ArgumentException($"No head of width {headWidth} fits into {channels} channels.", nameof(headWidth));
        _outputScale = outputScale;
        _norm = normGroups is { } groups ? GroupNormalization.Create(groups, channels, eps) : null;
        var inner = _heads * headWidth;
        _toQuery = nn.Linear(channels, inner);
        _toKey = nn.Linear(channels, inner);
        _toValue = nn.Linear(channels, inner);
        _toOut = nn.ModuleList(nn.Linear(inner, channels));
        RegisterComponents();
    }

    /// <summary>The last layer of the residual branch.</summary>
    public Linear Output => _toOut[0];

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="context">Not looked at.</param>
    public override Tensor forward(Tensor x, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        var normalized = _norm is null ? x : _norm.call(x);
        var change = PixelAttention.Suits(normalized, _heads) ? PixelAttention.Apply(normalized, _toQuery, _toKey, _toValue, Output, _heads) : ByRows(normalized);
        var sum = x + change;
        if (_outputScale != 1) sum.div_(_outputScale);
        return sum.MoveToOuterDisposeScope();
    }

    private Tensor ByRows(Tensor x)
    {
        // Pixels as rows, laid out once for the three products; no copy where channels already lie together.
        var pixels = x.flatten(2).transpose(1, 2).contiguous(); // [batch, pixels, channels]
        var mixed = ScaledDotProduct.Attend(PixelProjection.Apply(_toQuery, pixels), PixelProjection.Apply(_toKey, pixels), PixelProjection.Apply(_toValue, pixels), _heads);
        return PixelProjection.Apply(Output, mixed).transpose(1, 2).unflatten(2, x.shape[2], x.shape[3]);
    }
}
