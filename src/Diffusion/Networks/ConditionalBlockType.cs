namespace Diffusion.Networks;

/// <summary>
/// What a level of a <see cref="ConditionalUNet"/> is made of, on the way down or up. In brackets the names in a config.json of diffusers.
/// </summary>
public enum ConditionalBlockType
{
    /// <summary>Residual blocks, then a convolution that changes the resolution (DownBlock2D, UpBlock2D).</summary>
    Plain,

    /// <summary>Residual blocks, the last of which changes the resolution (ResnetDownsampleBlock2D, ResnetUpsampleBlock2D).</summary>
    Resnet,

    /// <summary>Residual blocks, each followed by self-attention (AttnDownBlock2D, AttnUpBlock2D).</summary>
    Attention,

    /// <summary>
    /// Residual blocks, each followed by a transformer that attends to the image and to the context (CrossAttnDownBlock2D, CrossAttnUpBlock2D;
    /// Rombach et al. 2022).
    /// </summary>
    CrossAttention,

    /// <summary>
    /// Residual blocks, each followed by one attention whose keys are the pixels and the context, the last of them changing the resolution
    /// (SimpleCrossAttnDownBlock2D, SimpleCrossAttnUpBlock2D; Nichol et al. 2022).
    /// </summary>
    SimpleCrossAttention,
}

/// <summary>What the middle of a <see cref="ConditionalUNet"/> is made of. In brackets the names in a config.json of diffusers.</summary>
public enum ConditionalMidBlockType
{
    /// <summary>Two residual blocks and a transformer between them (UNetMidBlock2DCrossAttn).</summary>
    CrossAttention,

    /// <summary>Two residual blocks and one attention to pixels and context between them (UNetMidBlock2DSimpleCrossAttn).</summary>
    SimpleCrossAttention,

    /// <summary>One residual block (UNetMidBlock2D).</summary>
    Resnet,
}
