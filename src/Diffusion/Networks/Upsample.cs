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
        if (DoublingConvolution.Pays(x)) return DoublingConvolution.Apply(x, _conv.weight, _conv.bias);
        using var larger = Resampling.Up.Apply(x);
        return _conv.call(larger);
    }

    /// <summary>Enlarges to a size that may be odd: nearest neighbour, then the convolution.</summary>
    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="height">Of the result, about twice that of x.</param>
    /// <param name="width">Of the result, about twice that of x.</param>
    public Tensor To(Tensor x, long height, long width)
    {
        if (height == 2 * x.shape[2] && width == 2 * x.shape[3]) return call(x, null);
        using var larger = nn.functional.interpolate(x, [height, width]);
        return _conv.call(larger);
    }
}
