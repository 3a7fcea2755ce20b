using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

/// <summary>Configurations and inputs that the tests of the conditional U-Net use: one for every option.</summary>
internal static class ConditionalUNetConfigs
{
    /// <summary>Two levels, both with transformers: the smallest network that has every common part.</summary>
    public static ConditionalUNetConfig Tiny { get; } = new()
    {
        SampleSize = (8, 8),
        InChannels = 4,
        OutChannels = 4,
        BlockOutChannels = [8, 16],
        LayersPerBlock = [1],
        NormNumGroups = 4,
        CrossAttentionDim = [12],
        AttentionHeads = [2],
        DownBlockTypes = [ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention],
        UpBlockTypes = [ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention],
    };

    /// <summary>The levels of unCLIP and IF: attention to pixels and context at once.</summary>
    public static ConditionalUNetConfig Simple { get; } = Tiny with
    {
        DownBlockTypes = [ConditionalBlockType.Resnet, ConditionalBlockType.SimpleCrossAttention],
        MidBlockType = ConditionalMidBlockType.SimpleCrossAttention,
        UpBlockTypes = [ConditionalBlockType.SimpleCrossAttention, ConditionalBlockType.Resnet],
        AttentionHeads = [4],
        ResnetTimeScaleShift = ResnetTimeScaleShift.ScaleShift,
    };

    private static readonly Dictionary<string, ConditionalUNetConfig> All = new(StringComparer.Ordinal)
    {
        ["transformers"] = Tiny,
        ["simple"] = Simple,
        ["only context"] = Tiny with { OnlyCrossAttention = [true], UseLinearProjection = true, UpcastAttention = true },
        ["simple only context"] = Simple with { OnlyCrossAttention = [false, true], MidBlockOnlyCrossAttention = true },
        ["grouped context"] = Simple with { CrossAttentionNorm = CrossAttentionNorm.Group, CrossAttentionDim = [32] },
        ["normalised context"] = Simple with { CrossAttentionNorm = CrossAttentionNorm.Layer, CrossAttentionDim = [16] },
        ["unactivated time"] = Simple with { ResnetSkipTimeAct = true, ResnetOutScaleFactor = Math.Sqrt(2), MidBlockScaleFactor = 1.5 },
        ["dual"] = Tiny with { DualCrossAttention = true },
        ["lists"] = Tiny with
        {
            LayersPerBlock = [1, 2],
            CrossAttentionDim = [12, 12],
            AttentionHeads = [3, 5],
            OnlyCrossAttention = [true, false],
            TransformerLayersPerBlock = [[2], [1, 2]],
            ReverseTransformerLayersPerBlock = [[2, 1, 1], [1]],
            ConvInKernel = 5,
            ConvOutKernel = 1,
            CenterInputSample = true,
            DownsamplePadding = 0,
        },
        ["self-attention"] = Tiny with
        {
            DownBlockTypes = [ConditionalBlockType.Attention, ConditionalBlockType.CrossAttention],
            UpBlockTypes = [ConditionalBlockType.Plain, ConditionalBlockType.Attention],
            MidBlockType = ConditionalMidBlockType.Resnet,
        },
        ["no middle"] = Tiny with { MidBlockType = null },
        ["no context"] = Tiny with
        {
            DownBlockTypes = [ConditionalBlockType.Plain, ConditionalBlockType.Attention],
            UpBlockTypes = [ConditionalBlockType.Attention, ConditionalBlockType.Plain],
            MidBlockType = ConditionalMidBlockType.Resnet,
        },
        ["projected text"] = Tiny with { EncoderHidDimType = ContextProjectionType.Text, EncoderHidDim = 10 },
        ["projected image"] = Tiny with { EncoderHidDimType = ContextProjectionType.Image, EncoderHidDim = 10, AdditionEmbedType = AddedEmbeddingType.Image },
        ["projected both"] = Tiny with { EncoderHidDimType = ContextProjectionType.TextImage, EncoderHidDim = 10, AdditionEmbedType = AddedEmbeddingType.TextImage },
        ["added text"] = Tiny with { AdditionEmbedType = AddedEmbeddingType.Text, AdditionEmbedTypeNumHeads = 3 },
        ["added text and sizes"] = Tiny with { AdditionEmbedType = AddedEmbeddingType.TextTime, AdditionTimeEmbedDim = 6, ProjectionClassEmbeddingsInputDim = 46 },
        ["hint"] = Tiny with { InChannels = 8, EncoderHidDimType = ContextProjectionType.Image, EncoderHidDim = 10, AdditionEmbedType = AddedEmbeddingType.ImageHint },
        ["table"] = Tiny with { NumClassEmbeds = 5, InChannels = 7 },
        ["numbered class"] = Tiny with { ClassEmbedType = ClassEmbeddingType.Timestep, ActFn = Activation.Gelu },
        ["class vector"] = Tiny with { ClassEmbedType = ClassEmbeddingType.Identity, TimeEmbeddingActFn = Activation.Silu, TimestepPostAct = Activation.Mish },
        ["projected class"] = Tiny with { ClassEmbedType = ClassEmbeddingType.Projection, ProjectionClassEmbeddingsInputDim = 9, ClassEmbeddingsConcat = true },
        ["simply projected class"] = Tiny with { ClassEmbedType = ClassEmbeddingType.SimpleProjection, ProjectionClassEmbeddingsInputDim = 9 },
        ["fourier"] = Tiny with { TimeEmbeddingType = TimeEmbeddingType.Fourier, TimeCondProjDim = 7 },
    };

    public static TheoryData<string> Kinds => [.. All.Keys];

    public static ConditionalUNetConfig Of(string kind) => All[kind];

    /// <summary>A state, labels and every condition that the network takes, on the CPU.</summary>
    public static (Tensor X, Tensor Label, Conditioning Condition) Inputs(
        ConditionalUNetConfig c, long batch, ScalarType type = ScalarType.Float32, long height = 8, long width = 12)
    {
        var random = new Generator(5);
        Tensor Draw(params long[] shape) => randn(shape, generator: random).to(type);
        var hint = c.AdditionEmbedType == AddedEmbeddingType.ImageHint;
        var tokens = c.DualCrossAttention ? 334 : 5;
        var image = c.EncoderHidDimType is ContextProjectionType.Image ? c.EncoderHidDim
            : c.EncoderHidDimType is ContextProjectionType.TextImage ? c.CrossAttentionDim[0] : null;
        var attends = c.DownBlockTypes.Contains(ConditionalBlockType.CrossAttention) || c.DownBlockTypes.Contains(ConditionalBlockType.SimpleCrossAttention);
        var label = arange(1, batch + 1, 1, float32);
        var x = Draw(batch, hint ? 4 : Math.Min(c.InChannels, 4), height, width);
        return (x, label, new Conditioning
        {
            Context = attends && c.EncoderHidDimType != ContextProjectionType.Image ? Draw(batch, tokens, c.EncoderHidDim ?? c.CrossAttentionDim[0]) : null,
            ImageEmbedding = image is { } wide ? Draw(batch, wide) : null,
            PooledText = c.AdditionEmbedType switch
            {
                AddedEmbeddingType.TextTime => Draw(batch, 10),
                AddedEmbeddingType.TextImage => Draw(batch, c.CrossAttentionDim[0]),
                _ => null,
            },
            TimeIds = c.AdditionEmbedType == AddedEmbeddingType.TextTime ? randint(0, 20, [batch, 6], generator: random).to(float32) : null,
            GuidanceEmbedding = c.TimeCondProjDim is { } guidance ? Draw(batch, guidance) : null,
            Image = hint ? Draw(batch, 3, 8 * height, 8 * width) : c.InChannels == 7 ? Draw(batch, 3, height, width) : null,
            ClassLabels = c.ClassEmbedType == ClassEmbeddingType.Timestep || c.NumClassEmbeds is not null ? arange(batch, int64) : null,
            Vector = c.ClassEmbedType switch
            {
                ClassEmbeddingType.Identity => Draw(batch, c.TimeWidth),
                ClassEmbeddingType.Projection or ClassEmbeddingType.SimpleProjection => Draw(batch, c.ProjectionClassEmbeddingsInputDim!.Value),
                _ => null,
            },
        });
    }
}
