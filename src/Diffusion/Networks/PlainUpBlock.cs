using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Residual blocks that join the skips, with or without attention, then a doubling of the resolution.</summary>
internal sealed class PlainUpBlock : UpBlock
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<SpatialAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    [ComponentName(Name = "upsamplers")]
    private readonly ModuleList<nn.Module<Tensor, Tensor?, Tensor>>? _upsamplers;

    /// <param name="options">Common settings.</param>
    /// <param name="previous">Channels of the level below.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="nextChannels">Channels of the level above.</param>
    /// <param name="layers">Number of residual blocks: one more than on the way down.</param>
    /// <param name="attention">Whether self-attention follows each of them.</param>
    /// <param name="upsampling">How the resolution is doubled; null on the last level, which keeps it.</param>
    public PlainUpBlock(
        UNetBlockOptions options, long previous, long outChannels, long nextChannels, int layers, bool attention,
        UNetResamplingType? upsampling)
        : this(options, previous, outChannels, nextChannels, layers, attention ? _ => options.Attention(outChannels) : null, upsampling)
    {
    }

    /// <param name="options">Common settings.</param>
    /// <param name="previous">Channels of the level below.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="nextChannels">Channels of the level above.</param>
    /// <param name="layers">Number of residual blocks: one more than on the way down.</param>
    /// <param name="attention">Makes what follows residual block i; null where nothing does.</param>
    /// <param name="upsampling">How the resolution is doubled; null on the last level, which keeps it.</param>
    public PlainUpBlock(
        UNetBlockOptions options, long previous, long outChannels, long nextChannels, int layers, Func<int, SpatialAttention>? attention,
        UNetResamplingType? upsampling)
        : base(nameof(PlainUpBlock))
    {
        if (attention is not null) _attentions = new();
        for (var i = 0; i < layers; i++)
        {
            _resnets.Add(options.Block(JoinedChannels(i, layers, previous, outChannels, nextChannels), outChannels));
            _attentions?.Add(attention!(i));
        }
        if (upsampling is { } type) _upsamplers = new(options.Upsampler(type, outChannels));
        RegisterComponents();
    }

    public override Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor? image, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < _resnets.Count; i++) h = Layer(_resnets[i], _attentions?[i], h, time, skips, context);
        if (_upsamplers is not null) h = Larger(_upsamplers[0], h, time, skips);
        return h.MoveToOuterDisposeScope();
    }

    // To the size of the skip that comes next: twice this one, or one less where halving rounded up.
    private static Tensor Larger(nn.Module<Tensor, Tensor?, Tensor> upsampler, Tensor h, Tensor time, Stack<Tensor> skips) =>
        upsampler is Upsample convolution && skips.TryPeek(out var next)
            ? convolution.To(h, next.shape[2], next.shape[3])
            : upsampler.call(h, time);
}
