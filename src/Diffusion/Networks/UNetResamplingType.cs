namespace Diffusion.Networks;

/// <summary>What changes the resolution between two levels of a U-Net. In brackets the names in a config.json of diffusers.</summary>
public enum UNetResamplingType
{
    /// <summary>A convolution: of stride 2 on the way down, after nearest-neighbour doubling on the way up ("conv").</summary>
    Convolution,

    /// <summary>A residual block with the change of resolution inside (Dhariwal and Nichol 2021; "resnet").</summary>
    Resnet,
}
