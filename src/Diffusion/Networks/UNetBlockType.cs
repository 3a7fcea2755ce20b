namespace Diffusion.Networks;

/// <summary>
/// What a level of a U-Net is made of, on the way down or up. In brackets the names in a config.json of diffusers.
/// </summary>
public enum UNetBlockType
{
    /// <summary>Residual blocks, then a convolution that changes the resolution (DownBlock2D, UpBlock2D).</summary>
    Plain,

    /// <summary>Residual blocks, the last of which changes the resolution (ResnetDownsampleBlock2D, ResnetUpsampleBlock2D).</summary>
    Resnet,

    /// <summary>Residual blocks, each followed by self-attention (AttnDownBlock2D, AttnUpBlock2D).</summary>
    Attention,

    /// <summary>
    /// Residual blocks beside a pyramid of the image itself, filtered from level to level: NCSN++ of Song et al. 2021
    /// (SkipDownBlock2D, SkipUpBlock2D).
    /// </summary>
    Skip,

    /// <summary>As <see cref="Skip"/>, with self-attention (AttnSkipDownBlock2D, AttnSkipUpBlock2D).</summary>
    AttentionSkip,
}
