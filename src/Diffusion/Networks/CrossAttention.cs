using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// Attention in several heads from a sequence to another or to itself (Vaswani et al. 2017): queries, keys and values without bias,
/// the result with one. No residual connection.
/// </summary>
internal sealed class CrossAttention : nn.Module
{
    private readonly long _heads;
    private readonly bool _upcast;

    [ComponentName(Name = "to_q")]
    private readonly Linear _toQuery;

    [ComponentName(Name = "to_k")]
    private readonly Linear _toKey;

    [ComponentName(Name = "to_v")]
    private readonly Linear _toValue;

    [ComponentName(Name = "to_out")]
    private readonly ModuleList<Linear> _toOut;

    /// <param name="width">Width of the sequence, in and out.</param>
    /// <param name="otherWidth">Width of what it looks at.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="headWidth">Width of a head.</param>
    /// <param name="upcast">Whether half precision attends in float32.</param>
    public CrossAttention(long width, long otherWidth, long heads, long headWidth, bool upcast) : base(nameof(CrossAttention))
    {
        (_heads, _upcast) = (heads, upcast);
        var inner = heads * headWidth;
        _toQuery = nn.Linear(width, inner, hasBias: false);
        _toKey = nn.Linear(otherWidth, inner, hasBias: false);
        _toValue = nn.Linear(otherWidth, inner, hasBias: false);
        _toOut = nn.ModuleList(nn.Linear(inner, width));
        RegisterComponents();
    }

    /// <param name="x">[batch, tokens, width].</param>
    /// <param name="other">What is looked at, [batch, other tokens, other width]: x itself for self-attention.</param>
    /// <param name="bias">Added to the scores; broadcast over [batch, heads, tokens, other tokens].</param>
    public Tensor Attend(Tensor x, Tensor other, Tensor? bias) // → [batch, tokens, width]
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (PixelProjection.Apply(_toQuery, x), PixelProjection.Apply(_toKey, other), PixelProjection.Apply(_toValue, other));
        if (_upcast && x.dtype is (ScalarType.Float16 or ScalarType.BFloat16))
            (q, k, v, bias) = (q.to(float32), k.to(float32), v.to(float32), bias?.to(float32));
        var mixed = ScaledDotProduct.Attend(q, k, v, _heads, bias);
        return PixelProjection.Apply(_toOut[0], mixed.to(x.dtype)).MoveToOuterDisposeScope();
    }
}
