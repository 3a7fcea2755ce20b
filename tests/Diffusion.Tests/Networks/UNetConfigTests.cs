using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class UNetConfigTests
{
    public static TheoryData<string> Kinds => UNetTests.Kinds;

    public static TheoryData<string, string> BadJson => new()
    {
        { """{"in_channels": "3"}""", "'in_channels' is \"3\"; an integer is needed" },
        { """{"in_channels": 3.5}""", "'in_channels' is 3.5; an integer" },
        { """{"in_channels": null}""", "'in_channels' is null; an integer" },
        { """{"in_channels": 99999999999}""", "'in_channels' is 99999999999; an integer" },
        { """{"in_channels": 0}""", "InChannels is 0" },
        { """{"norm_eps": "small"}""", "'norm_eps' is \"small\"; a number" },
        { """{"norm_eps": 1e999}""", "'norm_eps' is 1e999; a number" },
        { """{"add_attention": 1}""", "'add_attention' is 1; true or false" },
        { """{"block_out_channels": 4}""", "'block_out_channels' is 4; a list" },
        { """{"block_out_channels": [4, "8"]}""", "'block_out_channels' is \"8\"; an integer" },
        { """{"down_block_types": "DownBlock2D"}""", "'down_block_types' is \"DownBlock2D\"; a list" },
        { """{"down_block_types": ["KDownBlock2D"]}""", "'down_block_types' is \"KDownBlock2D\"; one of \"DownBlock2D\"" },
        { """{"down_block_types": ["CrossAttnDownBlock2D"]}""", "CrossAttnDownBlock2D" },
        { """{"down_block_types": ["UpBlock2D"]}""", "\"UpBlock2D\"; one of" },
        { """{"up_block_types": ["UpDecoderBlock2D"]}""", "'up_block_types' is \"UpDecoderBlock2D\"" },
        { """{"mid_block_type": "UNetMidBlock2DCrossAttn"}""", "'mid_block_type' is \"UNetMidBlock2DCrossAttn\"; one of \"UNetMidBlock2D\"" },
        { """{"time_embedding_type": "sinusoidal"}""", "'time_embedding_type' is \"sinusoidal\"" },
        { """{"resnet_time_scale_shift": "spatial"}""", "'resnet_time_scale_shift' is \"spatial\"; one of \"default\", \"scale_shift\"" },
        { """{"act_fn": "tanh"}""", "'act_fn' is \"tanh\"" },
        { """{"downsample_type": "kernel"}""", "'downsample_type' is \"kernel\"" },
        { """{"class_embed_type": "projection"}""", "'class_embed_type' is \"projection\"" },
        { """{"sample_size": [8]}""", "'sample_size' is [8]; an integer or a list of height and width" },
        { """{"sample_size": "8"}""", "'sample_size' is \"8\"" },
        { """{"in_chanels": 3}""", "'in_chanels' is not an option of this network" },
        { """{"cross_attention_dim": 8}""", "'cross_attention_dim' is not an option" },
        { """{"_class_name": "UNet2DConditionModel"}""", "'_class_name' is \"UNet2DConditionModel\"; \"UNet2DModel\" is needed" },
        { """{"in_channels": 3, "in_channels": 4}""", "in_channels" },
        { """[]""", "not a JSON object" },
        { """{"in_channels": 3,}""", "not valid JSON" },
        { "", "not valid JSON" },
    };

    public static TheoryData<UNetConfig, string> BadConfigs => new()
    {
        { new() { BlockOutChannels = [] }, "at least one" },
        { new() { BlockOutChannels = default }, "at least one" },
        { new() { BlockOutChannels = [32, 64] }, "must have one entry a level; BlockOutChannels has 2" },
        { new() { DownBlockTypes = default }, "must have one entry a level" },
        { UNetConfigs.Tiny with { UpBlockTypes = [UNetBlockType.Plain] }, "must have one entry a level" },
        { UNetConfigs.Tiny with { BlockOutChannels = [4, -8] }, "BlockOutChannels is -8" },
        { UNetConfigs.Tiny with { InChannels = 0 }, "InChannels is 0" },
        { UNetConfigs.Tiny with { OutChannels = -1 }, "OutChannels is -1" },
        { UNetConfigs.Tiny with { LayersPerBlock = 0 }, "LayersPerBlock is 0" },
        { UNetConfigs.Tiny with { TimeEmbeddingDim = 0 }, "TimeEmbeddingDim is 0" },
        { UNetConfigs.Tiny with { AttentionHeadDim = 0 }, "AttentionHeadDim is 0" },
        { UNetConfigs.Tiny with { AttentionHeadDim = 16 }, "No head of width 16 fits into 8 channels" },
        { UNetConfigs.Tiny with { NormNumGroups = 3 }, "split 4 channels into 3 equal groups" },
        { UNetConfigs.Tiny with { NormNumGroups = null }, "NormNumGroups is null; only skip levels" },
        { UNetConfigs.Tiny with { AttnNormNumGroups = 3 }, "split 8 channels into 3 equal groups" },
        { UNetConfigs.Tiny with { NumClassEmbeds = 0 }, "NumClassEmbeds is 0" },
        { UNetConfigs.Tiny with { SampleSize = (0, 8) }, "SampleSize is 0" },
        { UNetConfigs.Tiny with { DownsamplePadding = 2 }, "DownsamplePadding is 2" },
        { UNetConfigs.Tiny with { Dropout = 1 }, "Dropout is 1" },
        { UNetConfigs.Tiny with { Dropout = double.NaN }, "Dropout is NaN" },
        { UNetConfigs.Tiny with { NormEps = 0 }, "NormEps is 0" },
        { UNetConfigs.Tiny with { NormEps = double.NaN }, "NormEps is NaN" },
        { UNetConfigs.Tiny with { MidBlockScaleFactor = 0 }, "MidBlockScaleFactor is 0" },
        { UNetConfigs.Tiny with { MidBlockScaleFactor = double.PositiveInfinity }, "MidBlockScaleFactor is" },
        { UNetConfigs.Tiny with { FreqShift = 2 }, "FreqShift is 2, half of the first BlockOutChannels" },
        { UNetConfigs.Tiny with { TimeEmbeddingType = TimeEmbeddingType.Learned }, "NumTrainTimesteps must say" },
        { UNetConfigs.Tiny with { ActFn = (Activation)9 }, "9 is no Activation" },
        { UNetConfigs.Tiny with { DownBlockTypes = [UNetBlockType.Plain, (UNetBlockType)9] }, "9 is no UNetBlockType" },
        { UNetConfigs.TinySkip with { InChannels = 1 }, "InChannels is 1; skip levels take 3" },
        { UNetConfigs.TinySkip with { OutChannels = 6 }, "OutChannels is 6; skip levels paint 3" },
        { UNetConfigs.TinySkip with { BlockOutChannels = [32, 48] }, "split 48 channels into 32 equal groups" },
        {
            UNetConfigs.TinySkip with
            {
                NormNumGroups = 4,
                BlockOutChannels = [32, 32, 32],
                DownBlockTypes = [UNetBlockType.Plain, UNetBlockType.Skip, UNetBlockType.Plain],
                UpBlockTypes = [UNetBlockType.Plain, UNetBlockType.Plain, UNetBlockType.Plain],
            },
            "DownBlockTypes has a skip level after one that is none (level 1)"
        },
        { UNetConfigs.TinySkip with { NormNumGroups = 4, UpBlockTypes = [UNetBlockType.Skip, UNetBlockType.Plain] }, "UpBlockTypes has a skip level before one that is none (level 1)" },
    };

    [Theory]
    [MemberData(nameof(BadJson))]
    public void ABadFileIsRefusedWithItsNameAndTheKey(string json, string fault)
    {
        var error = Assert.Throws<InvalidDataException>(() => UNetConfig.FromJson(json, "model/config.json"));
        Assert.Contains("'model/config.json'", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void ANetworkThatCannotRunIsRefused(UNetConfig config, string fault)
    {
        using var scope = NewDisposeScope();
        Assert.Contains(fault, Assert.ThrowsAny<ArgumentException>(() => new UNet(config)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WritingAndReadingKeepsEveryOption(string kind)
    {
        var config = UNetTests.Config(kind) with { SampleSize = (12, 20), Dropout = 0.125, FreqShift = 1, MidBlockScaleFactor = Math.Sqrt(2) };
        var read = UNetConfig.FromJson(config.ToJson());
        Assert.Equal(config, read);
        Assert.Equal(config.GetHashCode(), read.GetHashCode());
        Assert.Equal((12, 20), read.SampleSize);
        Assert.Equal(config.MidBlockScaleFactor, read.MidBlockScaleFactor);
        Assert.Equal(config.DownBlockTypes.AsEnumerable(), read.DownBlockTypes);
        Assert.NotEqual(config, config with { LayersPerBlock = 3 });
    }

    [Fact]
    public void MissingKeysHaveTheDefaultsAndNotesAreLeftOut()
    {
        var config = UNetConfig.FromJson("""{"_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", "_name_or_path": "x"}""");
        Assert.Equal(new UNetConfig(), config);
        Assert.Equal([224, 448, 672, 896], config.BlockOutChannels);
        Assert.Equal(896, config.TimeWidth);
        Assert.Equal(8, config.SizeMultiple);
    }

    [Fact]
    public void OldNamesAreRead()
    {
        var config = UNetConfig.FromJson(
            """
            {"act_fn": "swish", "downsample_type": null, "mid_block_type": null, "block_out_channels": [32], "sample_size": 8,
             "down_block_types": ["UNetResDownBlock2D"], "up_block_types": ["UNetResAttnUpBlock2D"]}
            """);
        Assert.Equal(Activation.Silu, config.ActFn);
        Assert.Equal(UNetResamplingType.Convolution, config.DownsampleType);
        Assert.False(config.HasMidBlock);
        Assert.Equal([UNetBlockType.Plain], config.DownBlockTypes.AsEnumerable());
        Assert.Equal([UNetBlockType.Attention], config.UpBlockTypes.AsEnumerable());
        Assert.Equal((8, 8), config.SampleSize);
    }

    [Fact]
    public void SkipLevelsMayEndWhereTheyTakeNoPart()
    {
        using var scope = NewDisposeScope();
        // The lowest level on the way down and the last on the way up keep the resolution; diffusers runs them after plain ones.
        var config = UNetConfigs.Tiny with
        {
            InChannels = 2,
            OutChannels = 2,
            BlockOutChannels = [32, 32],
            DownBlockTypes = [UNetBlockType.Plain, UNetBlockType.Skip],
            UpBlockTypes = [UNetBlockType.Plain, UNetBlockType.AttentionSkip],
        };
        using var network = new UNet(config);
        Assert.Equal([1L, 2L, 8L, 8L], network.call(ones(1, 2, 8, 8), ones(1), null).shape);
    }
}
