using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Doubles an image: nearest neighbour, then a 3×3 convolution.</summary>
internal sealed class Upsample : nn.Module<Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv;

    public Upsample(long channels) : base(nameof(Upsample))
    {
        _conv = nn.Conv2d(channels, channels, 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="time">Not used: present so that a level need not ask whether it has this or a residual block.</param>
    public override Tensor forward(Tensor x, Tensor? time = null)
    {
        using var larger = Resampling.Up.Apply(x);
        return _conv.call(larger);
    }
}
