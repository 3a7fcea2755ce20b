namespace Diffusion.Networks;

/// <summary>The shapes of published conditional U-Nets, for training from nothing or for a checkpoint without its configuration.</summary>
public static class ConditionalUNetPresets
{
    /// <summary>Stable Diffusion 1.x: latents of 64×64×4 and 768 numbers a token of CLIP's text; 859,520,964 parameters. (Rombach et al. 2022)</summary>
    public static ConditionalUNetConfig StableDiffusion1 { get; } = new() { SampleSize = (64, 64), CrossAttentionDim = [768] };

    /// <summary>Stable Diffusion 1.x for inpainting: beside the latent, its mask and what the mask leaves, as <see cref="Conditioning.Image"/> of five channels.</summary>
    public static ConditionalUNetConfig StableDiffusion1Inpainting { get; } = StableDiffusion1 with { InChannels = 9 };

    /// <summary>Stable Diffusion 2.x: 1024 numbers a token of OpenCLIP's text, heads of 64; 865,910,724 parameters.</summary>
    public static ConditionalUNetConfig StableDiffusion2 { get; } = new()
    {
        SampleSize = (96, 96),
        CrossAttentionDim = [1024],
        AttentionHeads = [5, 10, 20, 20],
        UseLinearProjection = true,
    };

    /// <summary>
    /// Stable Diffusion XL: latents of 128×128×4, 2048 numbers a token of two texts, a pooled text and six numbers of size and crop;
    /// 2,567,463,684 parameters. (Podell et al. 2023)
    /// </summary>
    public static ConditionalUNetConfig StableDiffusionXl { get; } = new()
    {
        SampleSize = (128, 128),
        DownBlockTypes = [ConditionalBlockType.Plain, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention],
        UpBlockTypes = [ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.Plain],
        BlockOutChannels = [320, 640, 1280],
        CrossAttentionDim = [2048],
        AttentionHeads = [5, 10, 20],
        TransformerLayersPerBlock = [[1], [2], [10]],
        UseLinearProjection = true,
        AdditionEmbedType = AddedEmbeddingType.TextTime,
        AdditionTimeEmbedDim = 256,
        ProjectionClassEmbeddingsInputDim = 2816,
    };

    /// <summary>
    /// Stable Diffusion's upscaler by four: beside the latent a picture of the same size as <see cref="Conditioning.Image"/> of three channels, its
    /// noise level as a class, and attention to the text alone on the upper levels.
    /// </summary>
    public static ConditionalUNetConfig StableDiffusionUpscaler4 { get; } = new()
    {
        SampleSize = (128, 128),
        InChannels = 7,
        DownBlockTypes =
            [ConditionalBlockType.Plain, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention],
        UpBlockTypes =
            [ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.Plain],
        BlockOutChannels = [256, 512, 512, 1024],
        CrossAttentionDim = [1024],
        OnlyCrossAttention = [true, true, true, false],
        UseLinearProjection = true,
        NumClassEmbeds = 1000,
    };
}
