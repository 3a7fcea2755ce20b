using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>A text, pooled, as an addition to the embedded noise label: norm, pooling by attention, linear layer, norm.</summary>
internal sealed class TextConditionEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "pool")]
    private readonly AttentionPooling _pool;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    /// <param name="textWidth">Width of a token.</param>
    /// <param name="width">Width of the result.</param>
    /// <param name="heads">Heads of the pooling.</param>
    public TextConditionEmbedding(long textWidth, long width, long heads) : base(nameof(TextConditionEmbedding))
    {
        _norm1 = nn.LayerNorm(textWidth);
        _pool = new AttentionPooling(heads, textWidth);
        _projection = nn.Linear(textWidth, width);
        _norm2 = nn.LayerNorm(width);
        RegisterComponents();
    }

    /// <param name="text">[batch, tokens, textWidth].</param>
    public override Tensor forward(Tensor text) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        return _norm2.call(_projection.call(_pool.call(_norm1.call(text)))).MoveToOuterDisposeScope();
    }
}
