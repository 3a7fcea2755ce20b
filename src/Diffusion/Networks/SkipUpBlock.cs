using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A level of NCSN++ on the way up (Song et al. 2021): residual blocks that join the skips, attention after the last of them or
/// none, and an image to which the level adds what it paints, doubled from level to level.
/// </summary>
internal sealed class SkipUpBlock : UpBlock
{
    [ComponentName(Name = "attentions")]
    private readonly ModuleList<ImageAttention>? _attentions;

    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock> _resnets = new();

    [ComponentName(Name = "resnet_up")]
    private readonly ResnetBlock? _up;

    [ComponentName(Name = "skip_conv")]
    private readonly Conv2d? _toImage;

    [ComponentName(Name = "skip_norm")]
    private readonly GroupNorm? _imageNorm;

    /// <param name="options">Common settings.</param>
    /// <param name="previous">Channels of the level below.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="nextChannels">Channels of the level above.</param>
    /// <param name="layers">Number of residual blocks: one more than on the way down.</param>
    /// <param name="attention">Whether attention follows the last of them.</param>
    /// <param name="doubles">False on the last level, which keeps the resolution and paints nothing.</param>
    public SkipUpBlock(
        UNetBlockOptions options, long previous, long outChannels, long nextChannels, int layers, bool attention, bool doubles)
        : base(nameof(SkipUpBlock))
    {
        for (var i = 0; i < layers; i++)
        {
            var joined = JoinedChannels(i, layers, previous, outChannels, nextChannels);
            // With attention, published weights have a + b/4 groups where (a + b)/4 was meant. Both are 32 in all but
            // narrow networks; kept, since the weights depend on it.
            var skip = i == layers - 1 ? nextChannels : outChannels;
            long? groups = attention ? Math.Min(joined - skip + skip / 4, 32) : null;
            _resnets.Add(options.SkipBlock(joined, outChannels, groups));
        }
        if (attention) _attentions = new(options.SkipAttention(outChannels));
        if (doubles)
        {
            _up = options.SkipResampler(outChannels, Resampling.FilteredUp);
            _toImage = nn.Conv2d(outChannels, SkipDownBlock.ImageChannels, 3, padding: 1);
            _imageNorm = GroupNormalization.Create(UNetBlockOptions.SkipGroups(outChannels), outChannels, options.SkipResnet.Eps);
        }
        RegisterComponents();
    }

    public override Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor? image, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        foreach (var resnet in _resnets) h = Layer(resnet, null, h, time, skips);
        if (_attentions is not null) h = _attentions[0].call(h, null);
        if (image is not null) image = Resampling.FilteredUp.Apply(image);
        if (_up is not null)
        {
            var painted = _toImage!.call(nn.functional.silu(_imageNorm!.call(h)));
            image = image is null ? painted : painted.add_(image);
            h = _up.call(h, time);
        }
        image?.MoveToOuterDisposeScope();
        return h.MoveToOuterDisposeScope();
    }
}
