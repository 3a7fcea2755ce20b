using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A level of NCSN++ on the way down (Song et al. 2021): residual blocks, with or without attention, and a halved image that is
/// added to the halved features through a 1×1 convolution.
/// </summary>
internal sealed class SkipDownBlock : DownBlock
{
    /// <summary>The published network is made for colour images, and checkpoints hold weights of that shape.</summary>
    public const long ImageChannels = 3;

    [ComponentName(Name = "attentions")]
    private readonly ModuleList<ImageAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    [ComponentName(Name = "resnet_down")]
    private readonly ResnetBlock? _down;

    [ComponentName(Name = "skip_conv")]
    private readonly Conv2d? _fromImage;

    /// <param name="options">Common settings.</param>
    /// <param name="channels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="layers">Number of residual blocks.</param>
    /// <param name="attention">Whether attention follows each of them.</param>
    /// <param name="halves">False on the last level, which keeps the resolution and does not look at the image.</param>
    public SkipDownBlock(UNetBlockOptions options, long channels, long outChannels, int layers, bool attention, bool halves)
        : base(nameof(SkipDownBlock))
    {
        if (attention) _attentions = new();
        for (var i = 0; i < layers; i++)
        {
            _resnets.Add(options.SkipBlock(i == 0 ? channels : outChannels, outChannels));
            _attentions?.Add(options.SkipAttention(outChannels));
        }
        if (halves)
        {
            _down = options.SkipResampler(outChannels, Resampling.FilteredDown);
            _fromImage = nn.Conv2d(ImageChannels, outChannels, 1);
        }
        RegisterComponents();
    }

    public override Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor image, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < _resnets.Count; i++)
        {
            h = _resnets[i].call(h, time);
            if (_attentions is not null) h = _attentions[i].call(h, null);
            skips.Push(h.MoveToOuterDisposeScope());
        }
        if (_down is not null)
        {
            image = Resampling.FilteredDown.Apply(image).MoveToOuterDisposeScope();
            h = _fromImage!.call(image).add_(_down.call(h, time));
            skips.Push(h.MoveToOuterDisposeScope());
        }
        return h;
    }
}
