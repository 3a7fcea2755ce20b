namespace Diffusion.Networks;

/// <summary>What the values of a config.json of UNet2DConditionModel are called. The first name of a value is the one that is written.</summary>
internal static class ConditionalUNetNames
{
    public const string ClassName = "UNet2DConditionModel";

    /// <summary>Kinds of attention: the network has one.</summary>
    public const string AttentionType = "default";

    public static readonly (string Name, ConditionalBlockType Value)[] DownBlocks =
    [
        ("DownBlock2D", ConditionalBlockType.Plain),
        ("ResnetDownsampleBlock2D", ConditionalBlockType.Resnet),
        ("AttnDownBlock2D", ConditionalBlockType.Attention),
        ("CrossAttnDownBlock2D", ConditionalBlockType.CrossAttention),
        ("SimpleCrossAttnDownBlock2D", ConditionalBlockType.SimpleCrossAttention),
    ];

    public static readonly (string Name, ConditionalBlockType Value)[] UpBlocks =
    [
        ("UpBlock2D", ConditionalBlockType.Plain),
        ("ResnetUpsampleBlock2D", ConditionalBlockType.Resnet),
        ("AttnUpBlock2D", ConditionalBlockType.Attention),
        ("CrossAttnUpBlock2D", ConditionalBlockType.CrossAttention),
        ("SimpleCrossAttnUpBlock2D", ConditionalBlockType.SimpleCrossAttention),
    ];

    public static readonly (string Name, ConditionalMidBlockType Value)[] MidBlocks =
    [
        ("UNetMidBlock2DCrossAttn", ConditionalMidBlockType.CrossAttention),
        ("UNetMidBlock2DSimpleCrossAttn", ConditionalMidBlockType.SimpleCrossAttention),
        ("UNetMidBlock2D", ConditionalMidBlockType.Resnet),
    ];

    public static readonly (string Name, ContextProjectionType Value)[] ContextProjections =
    [
        ("text_proj", ContextProjectionType.Text),
        ("image_proj", ContextProjectionType.Image),
        ("text_image_proj", ContextProjectionType.TextImage),
    ];

    public static readonly (string Name, AddedEmbeddingType Value)[] AddedEmbeddings =
    [
        ("text", AddedEmbeddingType.Text),
        ("text_image", AddedEmbeddingType.TextImage),
        ("text_time", AddedEmbeddingType.TextTime),
        ("image", AddedEmbeddingType.Image),
        ("image_hint", AddedEmbeddingType.ImageHint),
    ];

    public static readonly (string Name, ClassEmbeddingType Value)[] ClassEmbeddings =
    [
        ("timestep", ClassEmbeddingType.Timestep),
        ("identity", ClassEmbeddingType.Identity),
        ("projection", ClassEmbeddingType.Projection),
        ("simple_projection", ClassEmbeddingType.SimpleProjection),
    ];

    public static readonly (string Name, CrossAttentionNorm Value)[] ContextNorms =
        [("layer_norm", CrossAttentionNorm.Layer), ("group_norm", CrossAttentionNorm.Group)];

    public static readonly (string Name, TimeEmbeddingType Value)[] TimeEmbeddings =
        [("positional", TimeEmbeddingType.Positional), ("fourier", TimeEmbeddingType.Fourier)];

    public static readonly (string Name, Activation Value)[] Activations =
        [("silu", Activation.Silu), ("swish", Activation.Silu), ("mish", Activation.Mish), ("gelu", Activation.Gelu), ("relu", Activation.Relu)];

    public static readonly (string Name, ResnetTimeScaleShift Value)[] TimeScaleShifts =
        [("default", ResnetTimeScaleShift.Default), ("scale_shift", ResnetTimeScaleShift.ScaleShift)];

    /// <summary>What training scripts leave in the configuration of averaged weights.</summary>
    public static readonly string[] AveragingNotes =
        ["decay", "inv_gamma", "min_decay", "optimization_step", "power", "update_after_step", "use_ema_warmup"];
}
