namespace Diffusion.Networks;

/// <summary>How simple cross-attention levels normalise the context. In brackets the names in a config.json of diffusers.</summary>
public enum CrossAttentionNorm
{
    /// <summary>Each token over its width ("layer_norm").</summary>
    Layer,

    /// <summary>In 32 groups of its width over all tokens ("group_norm").</summary>
    Group,
}
