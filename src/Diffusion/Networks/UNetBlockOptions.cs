namespace Diffusion.Networks;

/// <summary>What the levels of one U-Net have in common.</summary>
/// <param name="Resnet">Settings of the residual blocks outside the skip levels.</param>
/// <param name="Groups">Groups of the normalisations; null where every level computes its own.</param>
/// <param name="HeadWidth">Width of an attention head; null for one head.</param>
/// <param name="DownsamplePadding">Of the convolutions that halve the resolution, 0 or 1.</param>
internal sealed record UNetBlockOptions(ResnetOptions Resnet, long? Groups, long? HeadWidth, int DownsamplePadding)
{
    // The skip levels normalise attention in 32 groups whatever the channels.
    private const long SkipAttentionGroups = 32;

    /// <summary>Residual blocks of the skip levels halve the variance of their sum (Song et al. 2021, appendix H).</summary>
    public ResnetOptions SkipResnet { get; } = Resnet with { OutputScale = Math.Sqrt(2) };

    /// <summary>Groups that the skip levels use for so many channels.</summary>
    public static long SkipGroups(long channels) => Math.Min(channels / 4, 32);

    public ResnetBlock Block(long channels, long outChannels, Resampling resampling = Resampling.None) =>
        new(channels, outChannels, RequiredGroups, RequiredGroups, Resnet, resampling);

    public ResnetBlock SkipBlock(long channels, long outChannels, long? groups = null) =>
        new(channels, outChannels, groups ?? SkipGroups(channels), SkipGroups(outChannels), SkipResnet);

    public ResnetBlock SkipResampler(long channels, Resampling resampling) =>
        new(channels, channels, SkipGroups(channels), SkipGroups(channels), SkipResnet, resampling, shortcut: true);

    public ImageAttention Attention(long channels) =>
        new(channels, HeadWidth ?? channels, RequiredGroups, Resnet.Eps, Resnet.OutputScale);

    public ImageAttention SkipAttention(long channels) =>
        new(channels, HeadWidth ?? channels, SkipAttentionGroups, Resnet.Eps, SkipResnet.OutputScale);

    public nn.Module<Tensor, Tensor?, Tensor> Downsampler(UNetResamplingType type, long channels) =>
        type == UNetResamplingType.Resnet ? Block(channels, channels, Resampling.Down) : new Downsample(channels, DownsamplePadding);

    public nn.Module<Tensor, Tensor?, Tensor> Upsampler(UNetResamplingType type, long channels) =>
        type == UNetResamplingType.Resnet ? Block(channels, channels, Resampling.Up) : new Upsample(channels);

    private long RequiredGroups => Groups ?? throw new ArgumentException("NormNumGroups is null; only skip levels choose their own groups.");
}
