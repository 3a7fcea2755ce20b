using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>The lowest level of a U-Net: residual block, attention, residual block.</summary>
internal sealed class MidBlock : nn.Module<Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<SpatialAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    /// <param name="channels">Channels in and out.</param>
    /// <param name="options">Settings of the residual blocks.</param>
    /// <param name="groups">Groups of their normalisations.</param>
    /// <param name="attention">Whether there is attention.</param>
    /// <param name="headWidth">Width of its heads.</param>
    /// <param name="attentionGroups">Groups of its normalisation; null for none.</param>
    public MidBlock(long channels, ResnetOptions options, long groups, bool attention, long headWidth, long? attentionGroups)
        : this(
            channels, options, groups,
            attention ? () => new ImageAttention(channels, headWidth, attentionGroups, options.Eps, options.OutputScale) : null)
    {
    }

    /// <param name="channels">Channels in and out.</param>
    /// <param name="options">Settings of the residual blocks.</param>
    /// <param name="groups">Groups of their normalisations.</param>
    /// <param name="attention">Makes what is between them; null for nothing.</param>
    /// <param name="blocks">Number of residual blocks: two, or one.</param>
    public MidBlock(long channels, ResnetOptions options, long groups, Func<SpatialAttention>? attention, int blocks = 2)
        : base(nameof(MidBlock))
    {
        _resnets.Add(new ResnetBlock(channels, channels, groups, groups, options));
        if (attention is not null) _attentions = new(attention());
        if (blocks > 1) _resnets.Add(new ResnetBlock(channels, channels, groups, groups, options));
        RegisterComponents();
    }

    /// <param name="h">[batch, channels, height, width].</param>
    /// <param name="time">Embedded noise label after the activation, [batch, width].</param>
    public override Tensor forward(Tensor h, Tensor? time) => Run(h, time, null);

    /// <summary>Runs the level with something to look at beside the image.</summary>
    /// <param name="h">[batch, channels, height, width].</param>
    /// <param name="time">Embedded noise label after the activation, [batch, width].</param>
    /// <param name="context">For the attention; null where the network has none.</param>
    public Tensor Run(Tensor h, Tensor? time, AttentionContext? context)
    {
        using var scope = NewDisposeScope();
        h = _resnets[0].call(h, time);
        if (_attentions is not null) h = _attentions[0].call(h, context);
        if (_resnets.Count > 1) h = _resnets[1].call(h, time);
        return h.MoveToOuterDisposeScope();
    }
}
