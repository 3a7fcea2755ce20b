using System.Text.Json;
using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetConfigTests
{
    private static readonly ConditionalUNetConfig Tiny = ConditionalUNetConfigs.Tiny;

    public static TheoryData<string> Kinds => ConditionalUNetConfigs.Kinds;

    public static TheoryData<string, string> BadJson => new()
    {
        { """{"in_channels": "3"}""", "'in_channels' is \"3\"; an integer is needed" },
        { """{"attention_head_dim": null}""", "'attention_head_dim' is null; an integer" },
        { """{"attention_head_dim": [8, "8"]}""", "'attention_head_dim' is \"8\"; an integer" },
        { """{"num_attention_heads": 8}""", "'num_attention_heads' is 8; null, since 'attention_head_dim' holds the number of heads, is needed" },
        { """{"only_cross_attention": 1}""", "'only_cross_attention' is 1; true, false or a list of them" },
        { """{"transformer_layers_per_block": [1, [2, null]]}""", "'transformer_layers_per_block' is null; an integer" },
        { """{"attention_type": "gated"}""", "'attention_type' is \"gated\"; one of \"default\"" },
        { """{"attention_type": "gated-text-image"}""", "'attention_type' is \"gated-text-image\"" },
        { """{"down_block_types": ["SkipDownBlock2D"]}""", "'down_block_types' is \"SkipDownBlock2D\"; one of \"DownBlock2D\"" },
        { """{"down_block_types": ["KCrossAttnDownBlock2D"]}""", "KCrossAttnDownBlock2D" },
        { """{"up_block_types": ["CrossAttnDownBlock2D"]}""", "'up_block_types' is \"CrossAttnDownBlock2D\"" },
        { """{"mid_block_type": "MidBlock"}""", "'mid_block_type' is \"MidBlock\"; one of \"UNetMidBlock2DCrossAttn\"" },
        { """{"addition_embed_type": "text_audio"}""", "'addition_embed_type' is \"text_audio\"; one of \"text\", \"text_image\", \"text_time\", \"image\", \"image_hint\"" },
        { """{"encoder_hid_dim_type": "ip_image_proj", "encoder_hid_dim": 4}""", "'encoder_hid_dim_type' is \"ip_image_proj\"; one of \"text_proj\", \"image_proj\", \"text_image_proj\"" },
        { """{"class_embed_type": "class"}""", "'class_embed_type' is \"class\"; one of" },
        { """{"time_embedding_type": "learned"}""", "'time_embedding_type' is \"learned\"; one of \"positional\", \"fourier\"" },
        { """{"resnet_time_scale_shift": "spatial"}""", "'resnet_time_scale_shift' is \"spatial\"" },
        { """{"cross_attention_norm": "rms"}""", "'cross_attention_norm' is \"rms\"; one of \"layer_norm\", \"group_norm\"" },
        { """{"norm_num_groups": null}""", "'norm_num_groups' is null" },
        { """{"cross_attention_dimm": 8}""", "'cross_attention_dimm' is not an option of this network" },
        { """{"add_attention": true}""", "'add_attention' is not an option" },
        { """{"_class_name": "UNet2DModel"}""", "'_class_name' is \"UNet2DModel\"; \"UNet2DConditionModel\" is needed" },
        { """{"layers_per_block": [2, 2]}""", "LayersPerBlock has 2 entries; one a level (4), or a single one for all" },
    };

    public static TheoryData<ConditionalUNetConfig, string> BadConfigs => new()
    {
        { Tiny with { BlockOutChannels = [] }, "at least one" },
        { Tiny with { BlockOutChannels = default }, "at least one" },
        { Tiny with { UpBlockTypes = [ConditionalBlockType.Plain] }, "must have one entry a level; BlockOutChannels has 2" },
        { Tiny with { LayersPerBlock = [1, 1, 1] }, "LayersPerBlock has 3 entries" },
        { Tiny with { LayersPerBlock = [0] }, "LayersPerBlock is 0" },
        { Tiny with { AttentionHeads = default }, "AttentionHeads has 0 entries" },
        { Tiny with { AttentionHeads = [0] }, "AttentionHeads is 0" },
        { Tiny with { AttentionHeads = [9] }, "9 attention heads do not fit into 8 channels" },
        { ConditionalUNetConfigs.Simple with { AttentionHeads = [17] }, "No head of width 17 fits into 16 channels" },
        { Tiny with { CrossAttentionDim = [12, 13] }, "CrossAttentionDim is 12 and 13 in levels that attend to the same context" },
        { Tiny with { OnlyCrossAttention = [] }, "OnlyCrossAttention has 0 entries" },
        { Tiny with { TransformerLayersPerBlock = [[1, 2]] }, "TransformerLayersPerBlock has 2 numbers for a level of 1 layers" },
        { Tiny with { LayersPerBlock = [2], TransformerLayersPerBlock = [[1, 2]] }, "ReverseTransformerLayersPerBlock must say" },
        { Tiny with { ReverseTransformerLayersPerBlock = [[1, 2, 3]] }, "ReverseTransformerLayersPerBlock has 3 numbers for a level of 2 layers" },
        { Tiny with { TransformerLayersPerBlock = [[0]] }, "TransformerLayersPerBlock is 0" },
        { Tiny with { NormNumGroups = 3 }, "split 8 channels into 3 equal groups" },
        { Tiny with { NormNumGroups = 0 }, "NormNumGroups is 0" },
        { Tiny with { ConvInKernel = 4 }, "ConvInKernel is 4; an odd number" },
        { Tiny with { ConvOutKernel = -1 }, "ConvOutKernel is -1" },
        { Tiny with { DownsamplePadding = 2 }, "DownsamplePadding is 2" },
        { Tiny with { ResnetOutScaleFactor = 0 }, "ResnetOutScaleFactor is 0" },
        { Tiny with { MidBlockScaleFactor = double.NaN }, "MidBlockScaleFactor is NaN" },
        { Tiny with { NormEps = 0 }, "NormEps is 0" },
        { Tiny with { Dropout = 1 }, "Dropout is 1" },
        { Tiny with { TimeEmbeddingType = TimeEmbeddingType.Learned }, "TimeEmbeddingType is Learned; a ConditionalUNet takes Positional or Fourier" },
        { Tiny with { TimeEmbeddingType = TimeEmbeddingType.Fourier, TimeEmbeddingDim = 7 }, "TimeEmbeddingDim is 7; sines and cosines need an even width" },
        { Tiny with { FreqShift = 4 }, "FreqShift is 4, half of the first BlockOutChannels" },
        { Tiny with { ClassEmbedType = ClassEmbeddingType.Projection }, "ClassEmbedType is Projection; ProjectionClassEmbeddingsInputDim must say" },
        { Tiny with { ClassEmbeddingsConcat = true }, "there is no class to put beside" },
        {
            ConditionalUNetConfigs.Of("added text and sizes") with { ClassEmbeddingsConcat = true, NumClassEmbeds = 3 },
            "ClassEmbeddingsConcat and AdditionEmbedType TextTime exclude each other"
        },
        { Tiny with { EncoderHidDim = 5 }, "EncoderHidDim is 5 and EncoderHidDimType null; a projection of the context needs both" },
        { Tiny with { EncoderHidDimType = ContextProjectionType.Text }, "EncoderHidDim is null and EncoderHidDimType Text" },
        { ConditionalUNetConfigs.Of("projected image") with { DualCrossAttention = true }, "DualCrossAttention needs 77 and 257 tokens; EncoderHidDimType Image makes others" },
        { ConditionalUNetConfigs.Simple with { CrossAttentionNorm = CrossAttentionNorm.Layer }, "as wide as the features (16 in level 1); the context is 12 wide" },
        { Tiny with { AdditionEmbedType = AddedEmbeddingType.TextTime }, "AdditionEmbedType is TextTime; AdditionTimeEmbedDim and" },
        { Tiny with { AdditionEmbedType = AddedEmbeddingType.Image }, "AdditionEmbedType is Image; EncoderHidDim must say" },
        { Tiny with { AdditionEmbedType = AddedEmbeddingType.Text }, "AdditionEmbedTypeNumHeads is 64; it must divide the width of the context, 12" },
        { ConditionalUNetConfigs.Of("hint") with { InChannels = 4 }, "InChannels is 4; a hint takes 4 of them" },
        {
            ConditionalUNetConfigs.Of("projected image") with { AdditionEmbedType = AddedEmbeddingType.TextImage },
            "ImageEmbedding would have to be 10 and 12 wide at once"
        },
        { Tiny with { ActFn = (Activation)9 }, "9 is no Activation" },
        { Tiny with { MidBlockType = (ConditionalMidBlockType)9 }, "9 is no ConditionalMidBlockType" },
        { Tiny with { ClassEmbedType = (ClassEmbeddingType)9 }, "9 is no ClassEmbeddingType" },
    };

    [Theory]
    [MemberData(nameof(BadJson))]
    public void ABadFileIsRefusedWithItsNameAndTheKey(string json, string fault)
    {
        var error = Assert.Throws<InvalidDataException>(() => ConditionalUNetConfig.FromJson(json, "unet/config.json"));
        Assert.Contains("'unet/config.json'", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void ANetworkThatCannotRunIsRefused(ConditionalUNetConfig config, string fault)
    {
        using var scope = NewDisposeScope();
        Assert.Contains(fault, Assert.ThrowsAny<ArgumentException>(() => new ConditionalUNet(config)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WritingAndReadingKeepsEveryOption(string kind)
    {
        var config = ConditionalUNetConfigs.Of(kind) with { SampleSize = (12, 20), Dropout = 0.125, FreqShift = 1, MidBlockScaleFactor = Math.Sqrt(2) };
        var read = ConditionalUNetConfig.FromJson(config.ToJson());
        Assert.Equal(config, read);
        Assert.Equal(config.GetHashCode(), read.GetHashCode());
        Assert.Equal(config.MidBlockScaleFactor, read.MidBlockScaleFactor);
        Assert.Equal(config.TransformerLayersPerBlock.Length, read.TransformerLayersPerBlock.Length);
        Assert.NotEqual(config, config with { LayersPerBlock = [3] });
    }

    [Fact]
    public void EveryKeyOfDiffusersIsWrittenAndRead()
    {
        // The constructor of UNet2DConditionModel in diffusers 0.40.0 has these; a file that it writes has them all.
        using var written = JsonDocument.Parse(new ConditionalUNetConfig().ToJson());
        Assert.Equal(48, written.RootElement.EnumerateObject().Count(p => !p.Name.StartsWith('_')));
        Assert.Equal(new ConditionalUNetConfig(), ConditionalUNetConfig.FromJson("{}"));
    }

    [Fact]
    public void WhatSaysNothingOfTheNetworkIsKeptAndNotCompared()
    {
        const string json = """
            {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "_name_or_path": "a/b", "decay": 0.9999, "update_after_step": 0,
             "use_ema_warmup": false, "power": 0.75, "inv_gamma": 1.0, "min_decay": 0.0, "optimization_step": 340000, "sample_size": 64}
            """;
        var config = ConditionalUNetConfig.FromJson(json);
        Assert.Equal(new ConditionalUNetConfig { SampleSize = (64, 64) }, config);
        Assert.Equal(9, config.Notes.Count);
        using var original = JsonDocument.Parse(json);
        using var written = JsonDocument.Parse(config.ToJson());
        foreach (var property in original.RootElement.EnumerateObject())
            Assert.True(JsonElement.DeepEquals(property.Value, written.RootElement.GetProperty(property.Name)), property.Name);
        Assert.Equal(config.Notes, ConditionalUNetConfig.FromJson(config.ToJson()).Notes);
    }

    [Fact]
    public void WhatAFileLeavesToItsReaderIsSettled()
    {
        var projected = ConditionalUNetConfig.FromJson("""{"encoder_hid_dim": 4}""");
        Assert.Equal(ContextProjectionType.Text, projected.EncoderHidDimType);
        const string one = """{"block_out_channels": [32], "down_block_types": ["CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D"], "only_cross_attention": """;
        Assert.Null(ConditionalUNetConfig.FromJson(one + "true}").MidBlockOnlyCrossAttention);
        Assert.False(ConditionalUNetConfig.FromJson(one + "[true]}").MidBlockOnlyCrossAttention);
        var none = ConditionalUNetConfig.FromJson("""{"mid_block_type": null, "act_fn": "swish"}""");
        Assert.Null(none.MidBlockType);
        Assert.Equal(Activation.Silu, none.ActFn);
    }

    [Fact]
    public void TheFirstNetworkRefusesAProjectedClass()
    {
        var message = Assert.Throws<ArgumentException>(() => new UNet(UNetConfigs.Tiny with { ClassEmbedType = ClassEmbeddingType.Projection })).Message;
        Assert.Contains("ClassEmbedType is Projection; a UNet takes Timestep, Identity or none", message, StringComparison.Ordinal);
    }
}
