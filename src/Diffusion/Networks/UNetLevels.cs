namespace Diffusion.Networks;

/// <summary>Makes the levels that a configuration names.</summary>
internal static class UNetLevels
{
    /// <param name="config">The whole network.</param>
    /// <param name="options">Common settings.</param>
    /// <param name="i">Level from the top, the first at full resolution.</param>
    public static DownBlock Down(UNetConfig config, UNetBlockOptions options, int i)
    {
        var channels = config.BlockOutChannels;
        var (previous, own, layers) = (channels[Math.Max(i - 1, 0)], channels[i], config.LayersPerBlock);
        var halves = i < channels.Length - 1;
        return config.DownBlockTypes[i] switch
        {
            UNetBlockType.Skip => new SkipDownBlock(options, previous, own, layers, attention: false, halves),
            UNetBlockType.AttentionSkip => new SkipDownBlock(options, previous, own, layers, attention: true, halves),
            var type => new PlainDownBlock(
                options, previous, own, layers, type == UNetBlockType.Attention, halves ? Resampler(type, config.DownsampleType) : null),
        };
    }

    /// <param name="config">The whole network.</param>
    /// <param name="options">Common settings.</param>
    /// <param name="i">Level from the bottom, the first at the lowest resolution.</param>
    public static UpBlock Up(UNetConfig config, UNetBlockOptions options, int i)
    {
        var channels = config.BlockOutChannels;
        var last = channels.Length - 1;
        var previous = channels[Math.Min(last - i + 1, last)];
        var own = channels[last - i];
        var next = channels[Math.Max(last - i - 1, 0)];
        var layers = config.LayersPerBlock + 1;
        var doubles = i < last;
        return config.UpBlockTypes[i] switch
        {
            UNetBlockType.Skip => new SkipUpBlock(options, previous, own, next, layers, attention: false, doubles),
            UNetBlockType.AttentionSkip => new SkipUpBlock(options, previous, own, next, layers, attention: true, doubles),
            var type => new PlainUpBlock(
                options, previous, own, next, layers, type == UNetBlockType.Attention, doubles ? Resampler(type, config.UpsampleType) : null),
        };
    }

    public static MidBlock Mid(UNetConfig config, ResnetOptions resnet)
    {
        long channels = config.BlockOutChannels[^1];
        var groups = config.NormNumGroups ?? UNetBlockOptions.SkipGroups(channels);
        long? attentionGroups = config.AttnNormNumGroups;
        if (config.ResnetTimeScaleShift == ResnetTimeScaleShift.Default) attentionGroups ??= groups;
        return new MidBlock(
            channels, resnet with { OutputScale = config.MidBlockScaleFactor }, groups, config.AddAttention,
            config.AttentionHeadDim ?? channels, attentionGroups);
    }

    // Only levels with attention leave the choice to the configuration.
    private static UNetResamplingType Resampler(UNetBlockType type, UNetResamplingType configured) => type switch
    {
        UNetBlockType.Plain => UNetResamplingType.Convolution,
        UNetBlockType.Resnet => UNetResamplingType.Resnet,
        _ => configured,
    };
}
