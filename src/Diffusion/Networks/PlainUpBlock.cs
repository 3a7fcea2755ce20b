using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Residual blocks that join the skips, with or without attention, then a doubling of the resolution.</summary>
internal sealed class PlainUpBlock : UpBlock
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<ImageAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    [ComponentName(Name = "upsamplers")]
    private readonly ModuleList<nn.Module<Tensor, Tensor?, Tensor>>? _upsamplers;

    /// <param name="options">Common settings.</param>
    /// <param name="previous">Channels of the level below.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="nextChannels">Channels of the level above.</param>
    /// <param name="layers">Number of residual blocks: one more than on the way down.</param>
    /// <param name="attention">Whether attention follows each of them.</param>
    /// <param name="upsampling">How the resolution is doubled; null on the last level, which keeps it.</param>
    public PlainUpBlock(
        UNetBlockOptions options, long previous, long outChannels, long nextChannels, int layers, bool attention,
        UNetResamplingType? upsampling)
        : base(nameof(PlainUpBlock))
    {
        if (attention) _attentions = new();
        for (var i = 0; i < layers; i++)
        {
            _resnets.Add(options.Block(JoinedChannels(i, layers, previous, outChannels, nextChannels), outChannels));
            _attentions?.Add(options.Attention(outChannels));
        }
        if (upsampling is { } type) _upsamplers = new(options.Upsampler(type, outChannels));
        RegisterComponents();
    }

    public override Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor? image)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < _resnets.Count; i++) h = Layer(_resnets[i], _attentions?[i], h, time, skips);
        if (_upsamplers is not null) h = _upsamplers[0].call(h, time);
        return h.MoveToOuterDisposeScope();
    }
}
