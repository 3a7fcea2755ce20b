using Diffusion.Networks;

namespace Diffusion.Tests.Networks;

/// <summary>Configurations that several tests use.</summary>
internal static class UNetConfigs
{
    /// <summary>Two levels, one with attention: the smallest network that has every common part.</summary>
    public static UNetConfig Tiny { get; } = new()
    {
        SampleSize = (8, 8),
        BlockOutChannels = [4, 8],
        LayersPerBlock = 1,
        NormNumGroups = 4,
        DownBlockTypes = [UNetBlockType.Plain, UNetBlockType.Attention],
        UpBlockTypes = [UNetBlockType.Attention, UNetBlockType.Plain],
    };

    /// <summary>NCSN++ with two levels.</summary>
    public static UNetConfig TinySkip { get; } = Tiny with
    {
        BlockOutChannels = [32, 32],
        NormNumGroups = null,
        TimeEmbeddingType = TimeEmbeddingType.Fourier,
        DownBlockTypes = [UNetBlockType.Skip, UNetBlockType.AttentionSkip],
        UpBlockTypes = [UNetBlockType.AttentionSkip, UNetBlockType.Skip],
    };

    /// <summary>The network of Ho et al. (2020) for CIFAR-10, as published in google/ddpm-cifar10-32.</summary>
    public static UNetConfig Cifar10 { get; } = new()
    {
        SampleSize = (32, 32),
        BlockOutChannels = [128, 256, 256, 256],
        DownBlockTypes = [UNetBlockType.Plain, UNetBlockType.Attention, UNetBlockType.Plain, UNetBlockType.Plain],
        UpBlockTypes = [UNetBlockType.Plain, UNetBlockType.Plain, UNetBlockType.Attention, UNetBlockType.Plain],
        AttentionHeadDim = null,
        DownsamplePadding = 0,
        FlipSinToCos = false,
        FreqShift = 1,
        NormEps = 1e-6,
    };
}
