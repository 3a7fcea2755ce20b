namespace Diffusion.Networks;

/// <summary>What the context of a <see cref="ConditionalUNet"/> is made of. In brackets the names in a config.json of diffusers.</summary>
public enum ContextProjectionType
{
    /// <summary><see cref="Conditioning.Context"/> through a linear layer ("text_proj").</summary>
    Text,

    /// <summary><see cref="Conditioning.ImageEmbedding"/> alone, as 32 tokens ("image_proj").</summary>
    Image,

    /// <summary><see cref="Conditioning.ImageEmbedding"/> as 10 tokens, then <see cref="Conditioning.Context"/> through a linear layer ("text_image_proj").</summary>
    TextImage,
}

/// <summary>What is added to the embedded noise label of a <see cref="ConditionalUNet"/>. In brackets the names in a config.json of diffusers.</summary>
public enum AddedEmbeddingType
{
    /// <summary><see cref="Conditioning.Context"/>, pooled by attention ("text").</summary>
    Text,

    /// <summary><see cref="Conditioning.PooledText"/> and <see cref="Conditioning.ImageEmbedding"/> ("text_image").</summary>
    TextImage,

    /// <summary><see cref="Conditioning.PooledText"/> and <see cref="Conditioning.TimeIds"/> ("text_time"; Podell et al. 2023).</summary>
    TextTime,

    /// <summary><see cref="Conditioning.ImageEmbedding"/> ("image").</summary>
    Image,

    /// <summary>
    /// <see cref="Conditioning.ImageEmbedding"/>; and <see cref="Conditioning.Image"/>, an RGB picture of eight times the size of the state, is
    /// shrunk by convolutions to four channels that join the state ("image_hint").
    /// </summary>
    ImageHint,
}
