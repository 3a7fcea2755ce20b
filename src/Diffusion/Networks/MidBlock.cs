using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>The lowest level of a U-Net: residual block, attention, residual block.</summary>
internal sealed class MidBlock : nn.Module<Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<ImageAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    /// <param name="channels">Channels in and out.</param>
    /// <param name="options">Settings of the residual blocks.</param>
    /// <param name="groups">Groups of their normalisations.</param>
    /// <param name="attention">Whether there is attention.</param>
    /// <param name="headWidth">Width of its heads.</param>
    /// <param name="attentionGroups">Groups of its normalisation; null for none.</param>
    public MidBlock(long channels, ResnetOptions options, long groups, bool attention, long headWidth, long? attentionGroups)
        : base(nameof(MidBlock))
    {
        _resnets.Add(new ResnetBlock(channels, channels, groups, groups, options));
        if (attention) _attentions = new(new ImageAttention(channels, headWidth, attentionGroups, options.Eps, options.OutputScale));
        _resnets.Add(new ResnetBlock(channels, channels, groups, groups, options));
        RegisterComponents();
    }

    /// <param name="h">[batch, channels, height, width].</param>
    /// <param name="time">Embedded noise label after the activation, [batch, width].</param>
    public override Tensor forward(Tensor h, Tensor? time)
    {
        using var scope = NewDisposeScope();
        h = _resnets[0].call(h, time);
        if (_attentions is not null) h = _attentions[0].call(h);
        return _resnets[1].call(h, time).MoveToOuterDisposeScope();
    }
}
