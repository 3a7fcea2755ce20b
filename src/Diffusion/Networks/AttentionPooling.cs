using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>A sequence as one vector: its mean, moved by a trained vector, attends to itself and the sequence (Radford et al. 2021).</summary>
internal sealed class AttentionPooling : nn.Module<Tensor, Tensor>
{
    private readonly long _heads;

    [ComponentName(Name = "positional_embedding")]
    private readonly Parameter _offset;

    [ComponentName(Name = "k_proj")]
    private readonly Linear _toKey;

    [ComponentName(Name = "q_proj")]
    private readonly Linear _toQuery;

    [ComponentName(Name = "v_proj")]
    private readonly Linear _toValue;

    /// <param name="heads">Number of heads; divides the width.</param>
    /// <param name="width">Width of a token and of the result.</param>
    public AttentionPooling(long heads, long width) : base(nameof(AttentionPooling))
    {
        _heads = heads;
        _offset = nn.Parameter(randn(1, width).div_(Math.Sqrt(width)));
        _offset.DetachFromDisposeScope();
        _toKey = nn.Linear(width, width);
        _toQuery = nn.Linear(width, width);
        _toValue = nn.Linear(width, width);
        RegisterComponents();
    }

    /// <param name="tokens">[batch, tokens, width].</param>
    public override Tensor forward(Tensor tokens) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        var mean = tokens.mean([1L], keepdim: true) + _offset;
        var all = cat([mean, tokens], 1);
        return ScaledDotProduct.Attend(_toQuery.call(mean), _toKey.call(all), _toValue.call(all), _heads).squeeze(1).MoveToOuterDisposeScope();
    }
}
