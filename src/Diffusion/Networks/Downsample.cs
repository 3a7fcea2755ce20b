using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Halves an image with a 3×3 convolution of stride 2.</summary>
internal sealed class Downsample : nn.Module<Tensor, Tensor?, Tensor>
{
    private readonly bool _padsAfter;

    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv;

    /// <param name="channels">Channels in and out.</param>
    /// <param name="padding">1: a pixel of zeros on every side. 0: one to the right and one below, as Ho et al. (2020) do.</param>
    public Downsample(long channels, int padding) : base(nameof(Downsample))
    {
        _padsAfter = padding == 0;
        _conv = nn.Conv2d(channels, channels, 3, stride: 2, padding: padding);
        RegisterComponents();
    }

    /// <param name="x">[batch, channels, height, width], sides even.</param>
    /// <param name="time">Not used: present so that a level need not ask whether it has this or a residual block.</param>
    public override Tensor forward(Tensor x, Tensor? time = null)
    {
        if (!_padsAfter) return _conv.call(x);
        using var padded = nn.functional.pad(x, (0, 1, 0, 1));
        return _conv.call(padded);
    }
}
