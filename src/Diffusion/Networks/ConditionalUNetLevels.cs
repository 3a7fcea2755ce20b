using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>Makes the levels that a configuration of a <see cref="ConditionalUNet"/> names.</summary>
internal sealed class ConditionalUNetLevels
{
    private readonly ConditionalUNetConfig _config;
    private readonly UNetBlockOptions _options;
    private readonly UNetBlockOptions _scaledOptions; // of levels whose sums are divided

    public ConditionalUNetLevels(ConditionalUNetConfig config)
    {
        _config = config;
        var resnet = new ResnetOptions(
            (config.ClassEmbeddingsConcat ? 2 : 1) * config.TimeWidth, config.NormEps, config.ActFn, config.ResnetTimeScaleShift, config.Dropout);
        _options = new UNetBlockOptions(resnet, config.NormNumGroups, HeadWidth: null, config.DownsamplePadding);
        _scaledOptions = _options with { Resnet = resnet with { OutputScale = config.ResnetOutScaleFactor } };
    }

    /// <summary>Whether a level takes the embedded noise label as it is, without the activation that others begin with.</summary>
    public static bool SkipsActivation(ConditionalUNetConfig config, ConditionalBlockType type) =>
        config.ResnetSkipTimeAct && type is (ConditionalBlockType.Resnet or ConditionalBlockType.SimpleCrossAttention);

    /// <param name="i">Level from the top, the first at full resolution.</param>
    public DownBlock Down(int i)
    {
        var channels = _config.BlockOutChannels;
        var (previous, own, layers) = (channels[Math.Max(i - 1, 0)], channels[i], PerLevel(_config.LayersPerBlock, i));
        var type = _config.DownBlockTypes[i];
        var attention = Attention(type, own, i, i, PerLevel(_config.TransformerLayersPerBlock, i));
        return new PlainDownBlock(Options(type), previous, own, layers, attention, i < channels.Length - 1 ? Resampler(type) : null);
    }

    /// <param name="i">Level from the bottom, the first at the lowest resolution.</param>
    public UpBlock Up(int i)
    {
        var channels = _config.BlockOutChannels;
        var last = channels.Length - 1;
        var level = last - i;
        var (previous, own, next) = (channels[Math.Min(level + 1, last)], channels[level], channels[Math.Max(level - 1, 0)]);
        var type = _config.UpBlockTypes[i];
        var blocks = _config.ReverseTransformerLayersPerBlock.IsDefaultOrEmpty
            ? PerLevel(_config.TransformerLayersPerBlock, level)
            : PerLevel(_config.ReverseTransformerLayersPerBlock, i);
        var attention = Attention(type, own, level, i, blocks);
        return new PlainUpBlock(
            Options(type), previous, own, next, PerLevel(_config.LayersPerBlock, level) + 1, attention, i < last ? Resampler(type) : null);
    }

    /// <summary>The middle; null where there is none.</summary>
    public MidBlock? Mid()
    {
        var last = _config.BlockOutChannels.Length - 1;
        var channels = _config.BlockOutChannels[last];
        var heads = PerLevel(_config.AttentionHeads, last);
        var only = _config.MidBlockOnlyCrossAttention ?? (_config.OnlyCrossAttention.Length == 1 && _config.OnlyCrossAttention[0]);
        var resnet = _options.Resnet with { OutputScale = _config.MidBlockScaleFactor };
        MidBlock Make(Func<SpatialAttention>? attention, int blocks = 2) => new(channels, resnet, _config.NormNumGroups, attention, blocks);
        return _config.MidBlockType switch
        {
            ConditionalMidBlockType.CrossAttention =>
                Make(() => Transformer(channels, heads, only: false, PerLevel(_config.TransformerLayersPerBlock, last)[0])),
            ConditionalMidBlockType.SimpleCrossAttention => Make(() => Simple(channels, heads, only)),
            ConditionalMidBlockType.Resnet => Make(null, blocks: 1),
            _ => null,
        };
    }

    private UNetBlockOptions Options(ConditionalBlockType type) =>
        type is ConditionalBlockType.Resnet or ConditionalBlockType.SimpleCrossAttention ? _scaledOptions : _options;

    private static UNetResamplingType Resampler(ConditionalBlockType type) =>
        type is ConditionalBlockType.Resnet or ConditionalBlockType.SimpleCrossAttention ? UNetResamplingType.Resnet : UNetResamplingType.Convolution;

    // Heads are those of the level; widths of heads are read in the order of the blocks, which on the way up is the other one (as published).
    private Func<int, SpatialAttention>? Attention(ConditionalBlockType type, int channels, int level, int block, IReadOnlyList<int> blocks)
    {
        var (heads, width) = (PerLevel(_config.AttentionHeads, level), PerLevel(_config.AttentionHeads, block));
        var only = PerLevel(_config.OnlyCrossAttention, level);
        return type switch
        {
            ConditionalBlockType.Attention => _ => (_options with { HeadWidth = width }).Attention(channels),
            ConditionalBlockType.CrossAttention => layer => Transformer(channels, heads, only, blocks[blocks.Count == 1 ? 0 : layer]),
            ConditionalBlockType.SimpleCrossAttention => _ => Simple(channels, width, only),
            _ => null,
        };
    }

    private SpatialAttention Transformer(int channels, int heads, bool only, int blocks)
    {
        var options = new SpatialTransformerOptions(heads, AttendedWidth(_config), _config.NormNumGroups);
        return _config.DualCrossAttention
            ? new DualSpatialTransformer(channels, options)
            : new SpatialTransformer(channels, blocks, options with
            {
                LinearProjection = _config.UseLinearProjection,
                OnlyCrossAttention = only,
                Upcast = _config.UpcastAttention,
            });
    }

    private AddedContextAttention Simple(int channels, int headWidth, bool only) =>
        new(channels, headWidth, AttendedWidth(_config), _config.NormNumGroups, only, _config.CrossAttentionNorm);
}
