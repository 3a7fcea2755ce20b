using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using static Diffusion.Networks.ConditionalUNetNames;

namespace Diffusion.Networks;

/// <summary>Writes the config.json of UNet2DConditionModel. A list of one is written as its only value.</summary>
internal static class ConditionalUNetConfigWriter
{
    public static string Write(ConditionalUNetConfig c, ImmutableSortedDictionary<string, string> notes)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("_class_name", ClassName);
            foreach (var (key, value) in notes)
            {
                json.WritePropertyName(key);
                json.WriteRawValue(value);
            }
            Name(json, "act_fn", c.ActFn, Activations);
            Name(json, "addition_embed_type", c.AdditionEmbedType, AddedEmbeddings);
            json.WriteNumber("addition_embed_type_num_heads", c.AdditionEmbedTypeNumHeads);
            Integer(json, "addition_time_embed_dim", c.AdditionTimeEmbedDim);
            Values(json, "attention_head_dim", c.AttentionHeads, json.WriteNumberValue);
            json.WriteString("attention_type", AttentionType);
            List(json, "block_out_channels", c.BlockOutChannels, json.WriteNumberValue);
            json.WriteBoolean("center_input_sample", c.CenterInputSample);
            Name(json, "class_embed_type", c.ClassEmbedType, ClassEmbeddings);
            json.WriteBoolean("class_embeddings_concat", c.ClassEmbeddingsConcat);
            json.WriteNumber("conv_in_kernel", c.ConvInKernel);
            json.WriteNumber("conv_out_kernel", c.ConvOutKernel);
            Values(json, "cross_attention_dim", c.CrossAttentionDim, json.WriteNumberValue);
            Name(json, "cross_attention_norm", c.CrossAttentionNorm, ContextNorms);
            List(json, "down_block_types", c.DownBlockTypes, b => json.WriteStringValue(NameOf(b, DownBlocks)));
            json.WriteNumber("downsample_padding", c.DownsamplePadding);
            json.WriteNumber("dropout", c.Dropout);
            json.WriteBoolean("dual_cross_attention", c.DualCrossAttention);
            Integer(json, "encoder_hid_dim", c.EncoderHidDim);
            Name(json, "encoder_hid_dim_type", c.EncoderHidDimType, ContextProjections);
            json.WriteBoolean("flip_sin_to_cos", c.FlipSinToCos);
            json.WriteNumber("freq_shift", c.FreqShift);
            json.WriteNumber("in_channels", c.InChannels);
            Values(json, "layers_per_block", c.LayersPerBlock, json.WriteNumberValue);
            if (c.MidBlockOnlyCrossAttention is { } only) json.WriteBoolean("mid_block_only_cross_attention", only);
            else json.WriteNull("mid_block_only_cross_attention");
            json.WriteNumber("mid_block_scale_factor", c.MidBlockScaleFactor);
            Name(json, "mid_block_type", c.MidBlockType, MidBlocks);
            json.WriteNumber("norm_eps", c.NormEps);
            json.WriteNumber("norm_num_groups", c.NormNumGroups);
            json.WriteNull("num_attention_heads");
            Integer(json, "num_class_embeds", c.NumClassEmbeds);
            Values(json, "only_cross_attention", c.OnlyCrossAttention, json.WriteBooleanValue);
            json.WriteNumber("out_channels", c.OutChannels);
            Integer(json, "projection_class_embeddings_input_dim", c.ProjectionClassEmbeddingsInputDim);
            json.WriteNumber("resnet_out_scale_factor", c.ResnetOutScaleFactor);
            json.WriteBoolean("resnet_skip_time_act", c.ResnetSkipTimeAct);
            Name(json, "resnet_time_scale_shift", c.ResnetTimeScaleShift, TimeScaleShifts);
            if (c.ReverseTransformerLayersPerBlock.IsDefaultOrEmpty) json.WriteNull("reverse_transformer_layers_per_block");
            else List(json, "reverse_transformer_layers_per_block", c.ReverseTransformerLayersPerBlock, layers => Values(json, layers, json.WriteNumberValue));
            if (c.SampleSize is { } size && size.Height != size.Width) List(json, "sample_size", [size.Height, size.Width], json.WriteNumberValue);
            else Integer(json, "sample_size", c.SampleSize?.Height);
            Integer(json, "time_cond_proj_dim", c.TimeCondProjDim);
            Name(json, "time_embedding_act_fn", c.TimeEmbeddingActFn, Activations);
            Integer(json, "time_embedding_dim", c.TimeEmbeddingDim);
            Name(json, "time_embedding_type", c.TimeEmbeddingType, TimeEmbeddings);
            Name(json, "timestep_post_act", c.TimestepPostAct, Activations);
            Values(json, "transformer_layers_per_block", c.TransformerLayersPerBlock, layers => Values(json, layers, json.WriteNumberValue));
            List(json, "up_block_types", c.UpBlockTypes, b => json.WriteStringValue(NameOf(b, UpBlocks)));
            json.WriteBoolean("upcast_attention", c.UpcastAttention);
            json.WriteBoolean("use_linear_projection", c.UseLinearProjection);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string NameOf<T>(T value, (string Name, T Value)[] names) where T : struct, Enum =>
        names.FirstOrDefault(n => EqualityComparer<T>.Default.Equals(n.Value, value)).Name ?? value.ToString();

    private static void Name<T>(Utf8JsonWriter json, string key, T? value, (string Name, T Value)[] names) where T : struct, Enum
    {
        if (value is { } given) json.WriteString(key, NameOf(given, names));
        else json.WriteNull(key);
    }

    private static void Integer(Utf8JsonWriter json, string key, int? value)
    {
        if (value is { } number) json.WriteNumber(key, number);
        else json.WriteNull(key);
    }

    private static void Values<T>(Utf8JsonWriter json, string key, ImmutableArray<T> values, Action<T> write)
    {
        json.WritePropertyName(key);
        Values(json, values, write);
    }

    private static void Values<T>(Utf8JsonWriter json, ImmutableArray<T> values, Action<T> write)
    {
        if (values is { IsDefault: false, Length: 1 })
        {
            write(values[0]);
            return;
        }
        json.WriteStartArray();
        foreach (var value in values.IsDefault ? [] : values) write(value);
        json.WriteEndArray();
    }

    private static void List<T>(Utf8JsonWriter json, string key, ImmutableArray<T> values, Action<T> write)
    {
        json.WriteStartArray(key);
        foreach (var value in values.IsDefault ? [] : values) write(value);
        json.WriteEndArray();
    }
}
