using System.Collections.Immutable;
using static Diffusion.Networks.ConditionalUNetNames;

namespace Diffusion.Networks;

/// <summary>Reads the config.json of UNet2DConditionModel.</summary>
internal static class ConditionalUNetConfigReader
{
    public static ConditionalUNetConfig Read(string json, string source)
    {
        var reader = new ConfigReader(json, source, ClassName);
        var d = new ConditionalUNetConfig();
        var config = new ConditionalUNetConfig
        {
            SampleSize = reader.Size("sample_size"),
            InChannels = reader.Integer("in_channels", d.InChannels),
            OutChannels = reader.Integer("out_channels", d.OutChannels),
            CenterInputSample = reader.Flag("center_input_sample", d.CenterInputSample),
            FlipSinToCos = reader.Flag("flip_sin_to_cos", d.FlipSinToCos),
            FreqShift = reader.Integer("freq_shift", d.FreqShift),
            DownBlockTypes = reader.Choices("down_block_types", d.DownBlockTypes, DownBlocks),
            MidBlockType = reader.Has("mid_block_type") ? reader.OptionalChoice("mid_block_type", MidBlocks) : d.MidBlockType,
            UpBlockTypes = reader.Choices("up_block_types", d.UpBlockTypes, UpBlocks),
            OnlyCrossAttention = reader.FlagOrList("only_cross_attention", d.OnlyCrossAttention),
            MidBlockOnlyCrossAttention = reader.OptionalFlag("mid_block_only_cross_attention"),
            BlockOutChannels = reader.Integers("block_out_channels", d.BlockOutChannels),
            LayersPerBlock = reader.IntegerOrList("layers_per_block", d.LayersPerBlock),
            DownsamplePadding = reader.Integer("downsample_padding", d.DownsamplePadding),
            MidBlockScaleFactor = reader.Number("mid_block_scale_factor", d.MidBlockScaleFactor),
            Dropout = reader.Number("dropout", d.Dropout),
            ActFn = reader.Choice("act_fn", d.ActFn, Activations),
            NormNumGroups = reader.Integer("norm_num_groups", d.NormNumGroups),
            NormEps = reader.Number("norm_eps", d.NormEps),
            CrossAttentionDim = reader.IntegerOrList("cross_attention_dim", d.CrossAttentionDim),
            TransformerLayersPerBlock = reader.NestedIntegers("transformer_layers_per_block", d.TransformerLayersPerBlock),
            ReverseTransformerLayersPerBlock = reader.Raw("reverse_transformer_layers_per_block") is null
                ? d.ReverseTransformerLayersPerBlock
                : reader.NestedIntegers("reverse_transformer_layers_per_block", d.ReverseTransformerLayersPerBlock),
            EncoderHidDim = reader.OptionalInteger("encoder_hid_dim", d.EncoderHidDim),
            EncoderHidDimType = reader.OptionalChoice("encoder_hid_dim_type", ContextProjections),
            AttentionHeads = reader.IntegerOrList("attention_head_dim", d.AttentionHeads),
            DualCrossAttention = reader.Flag("dual_cross_attention", d.DualCrossAttention),
            UseLinearProjection = reader.Flag("use_linear_projection", d.UseLinearProjection),
            ClassEmbedType = reader.OptionalChoice("class_embed_type", ClassEmbeddings),
            NumClassEmbeds = reader.OptionalInteger("num_class_embeds", d.NumClassEmbeds),
            ClassEmbeddingsConcat = reader.Flag("class_embeddings_concat", d.ClassEmbeddingsConcat),
            ProjectionClassEmbeddingsInputDim = reader.OptionalInteger("projection_class_embeddings_input_dim", null),
            AdditionEmbedType = reader.OptionalChoice("addition_embed_type", AddedEmbeddings),
            AdditionTimeEmbedDim = reader.OptionalInteger("addition_time_embed_dim", null),
            AdditionEmbedTypeNumHeads = reader.Integer("addition_embed_type_num_heads", d.AdditionEmbedTypeNumHeads),
            UpcastAttention = reader.Flag("upcast_attention", d.UpcastAttention),
            ResnetTimeScaleShift = reader.Choice("resnet_time_scale_shift", d.ResnetTimeScaleShift, TimeScaleShifts),
            ResnetSkipTimeAct = reader.Flag("resnet_skip_time_act", d.ResnetSkipTimeAct),
            ResnetOutScaleFactor = reader.Number("resnet_out_scale_factor", d.ResnetOutScaleFactor),
            TimeEmbeddingType = reader.Choice("time_embedding_type", d.TimeEmbeddingType, TimeEmbeddings),
            TimeEmbeddingDim = reader.OptionalInteger("time_embedding_dim", null),
            TimeEmbeddingActFn = reader.OptionalChoice("time_embedding_act_fn", Activations),
            TimestepPostAct = reader.OptionalChoice("timestep_post_act", Activations),
            TimeCondProjDim = reader.OptionalInteger("time_cond_proj_dim", null),
            ConvInKernel = reader.Integer("conv_in_kernel", d.ConvInKernel),
            ConvOutKernel = reader.Integer("conv_out_kernel", d.ConvOutKernel),
            CrossAttentionNorm = reader.OptionalChoice("cross_attention_norm", ContextNorms),
        };
        reader.Choice("attention_type", true, (AttentionType, true));
        if (reader.Raw("num_attention_heads") is { } heads)
            throw reader.Wrong("num_attention_heads", heads, "null, since 'attention_head_dim' holds the number of heads,");
        config = Settle(config, reader) with { Notes = Notes(reader) };
        reader.RefuseOthers();
        try
        {
            ConditionalUNetRules.Check(config);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"'{source}' describes no network that runs: {error.Message}", error);
        }
        return config;
    }

    // What a file may leave to its reader.
    private static ConditionalUNetConfig Settle(ConditionalUNetConfig config, ConfigReader reader)
    {
        if (config.EncoderHidDim is not null && config.EncoderHidDimType is null) config = config with { EncoderHidDimType = ContextProjectionType.Text };
        // A list for a single level is not a value for all: the middle does not follow it.
        return config.OnlyCrossAttention.Length == 1 && reader.IsList("only_cross_attention") && config.MidBlockOnlyCrossAttention is null
            ? config with { MidBlockOnlyCrossAttention = false }
            : config;
    }

    private static ImmutableSortedDictionary<string, string> Notes(ConfigReader reader) => reader.Keys
        .Where(key => (key.StartsWith('_') && key != "_class_name") || AveragingNotes.Contains(key))
        .ToImmutableSortedDictionary(key => key, reader.Text, StringComparer.Ordinal);
}
