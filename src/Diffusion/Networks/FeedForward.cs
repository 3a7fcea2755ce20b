using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>The feed-forward layer of a transformer block: a gated Gelu to four times the width, and a linear layer back.</summary>
internal sealed class FeedForward : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "net")]
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers;

    public FeedForward(long width) : base(nameof(FeedForward))
    {
        // Published checkpoints number a dropout between the two, which has no parameters.
        _layers = new(new GatedGelu(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width));
        RegisterComponents();
    }

    /// <param name="x">[batch, rows, width].</param>
    public override Tensor forward(Tensor x) // → [batch, rows, width]
    {
        using var scope = NewDisposeScope();
        return PixelProjection.Apply((Linear)_layers[2], _layers[0].call(x)).MoveToOuterDisposeScope();
    }
}
