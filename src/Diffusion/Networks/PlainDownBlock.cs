using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Residual blocks, with or without attention, then a halving of the resolution.</summary>
internal sealed class PlainDownBlock : DownBlock
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<SpatialAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    [ComponentName(Name = "downsamplers")]
    private readonly ModuleList<nn.Module<Tensor, Tensor?, Tensor>>? _downsamplers;

    /// <param name="options">Common settings.</param>
    /// <param name="channels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="layers">Number of residual blocks.</param>
    /// <param name="attention">Whether self-attention follows each of them.</param>
    /// <param name="downsampling">How the resolution is halved; null on the last level, which keeps it.</param>
    public PlainDownBlock(
        UNetBlockOptions options, long channels, long outChannels, int layers, bool attention, UNetResamplingType? downsampling)
        : this(options, channels, outChannels, layers, attention ? _ => options.Attention(outChannels) : null, downsampling)
    {
    }

    /// <param name="options">Common settings.</param>
    /// <param name="channels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="layers">Number of residual blocks.</param>
    /// <param name="attention">Makes what follows residual block i; null where nothing does.</param>
    /// <param name="downsampling">How the resolution is halved; null on the last level, which keeps it.</param>
    public PlainDownBlock(
        UNetBlockOptions options, long channels, long outChannels, int layers, Func<int, SpatialAttention>? attention,
        UNetResamplingType? downsampling)
        : base(nameof(PlainDownBlock))
    {
        if (attention is not null) _attentions = new();
        for (var i = 0; i < layers; i++)
        {
            _resnets.Add(options.Block(i == 0 ? channels : outChannels, outChannels));
            _attentions?.Add(attention!(i));
        }
        if (downsampling is { } type) _downsamplers = new(options.Downsampler(type, outChannels));
        RegisterComponents();
    }

    public override Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor image, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < _resnets.Count; i++)
        {
            h = _resnets[i].call(h, time);
            if (_attentions is not null) h = _attentions[i].call(h, context);
            skips.Push(h.MoveToOuterDisposeScope());
        }
        if (_downsamplers is not null)
        {
            h = _downsamplers[0].call(h, time);
            skips.Push(h.MoveToOuterDisposeScope());
        }
        return h;
    }
}
