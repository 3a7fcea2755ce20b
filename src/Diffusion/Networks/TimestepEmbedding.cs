using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Two linear layers with a SiLU between them: from the features of a noise label to the vector that blocks are given.</summary>
internal sealed class TimestepEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "linear_1")]
    private readonly Linear _linear1;

    [ComponentName(Name = "linear_2")]
    private readonly Linear _linear2;

    public TimestepEmbedding(long inWidth, long width) : base(nameof(TimestepEmbedding))
    {
        _linear1 = nn.Linear(inWidth, width);
        _linear2 = nn.Linear(width, width);
        RegisterComponents();
    }

    /// <param name="features">[batch, inWidth].</param>
    public override Tensor forward(Tensor features) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        return _linear2.call(nn.functional.silu(_linear1.call(features))).MoveToOuterDisposeScope();
    }
}
