using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Diffusion.Networks;

/// <summary>The config.json of UNet2DModel. The first name of a value is the one that is written.</summary>
internal static class UNetConfigJson
{
    private const string ClassName = "UNet2DModel";
    private const string MidBlockName = "UNetMidBlock2D";

    private static readonly (string Name, UNetBlockType Value)[] DownBlocks =
    [
        ("DownBlock2D", UNetBlockType.Plain),
        ("ResnetDownsampleBlock2D", UNetBlockType.Resnet),
        ("AttnDownBlock2D", UNetBlockType.Attention),
        ("SkipDownBlock2D", UNetBlockType.Skip),
        ("AttnSkipDownBlock2D", UNetBlockType.AttentionSkip),
    ];

    private static readonly (string Name, UNetBlockType Value)[] UpBlocks =
    [
        ("UpBlock2D", UNetBlockType.Plain),
        ("ResnetUpsampleBlock2D", UNetBlockType.Resnet),
        ("AttnUpBlock2D", UNetBlockType.Attention),
        ("SkipUpBlock2D", UNetBlockType.Skip),
        ("AttnSkipUpBlock2D", UNetBlockType.AttentionSkip),
    ];

    private static readonly (string Name, TimeEmbeddingType Value)[] TimeEmbeddings =
        [("positional", TimeEmbeddingType.Positional), ("fourier", TimeEmbeddingType.Fourier), ("learned", TimeEmbeddingType.Learned)];

    private static readonly (string Name, UNetResamplingType Value)[] ResamplingTypes =
        [("conv", UNetResamplingType.Convolution), ("resnet", UNetResamplingType.Resnet)];

    private static readonly (string Name, Activation Value)[] Activations =
        [("silu", Activation.Silu), ("swish", Activation.Silu), ("mish", Activation.Mish), ("gelu", Activation.Gelu), ("relu", Activation.Relu)];

    private static readonly (string Name, ResnetTimeScaleShift Value)[] TimeScaleShifts =
        [("default", ResnetTimeScaleShift.Default), ("scale_shift", ResnetTimeScaleShift.ScaleShift)];

    private static readonly (string Name, ClassEmbeddingType Value)[] ClassEmbeddings =
        [("timestep", ClassEmbeddingType.Timestep), ("identity", ClassEmbeddingType.Identity)];

    public static UNetConfig Read(string json, string source)
    {
        var reader = new ConfigReader(json, source, ClassName);
        var d = new UNetConfig();
        var config = new UNetConfig
        {
            SampleSize = reader.Size("sample_size"),
            InChannels = reader.Integer("in_channels", d.InChannels),
            OutChannels = reader.Integer("out_channels", d.OutChannels),
            CenterInputSample = reader.Flag("center_input_sample", d.CenterInputSample),
            TimeEmbeddingType = reader.Choice("time_embedding_type", d.TimeEmbeddingType, TimeEmbeddings),
            TimeEmbeddingDim = reader.OptionalInteger("time_embedding_dim", d.TimeEmbeddingDim),
            FreqShift = reader.Integer("freq_shift", d.FreqShift),
            FlipSinToCos = reader.Flag("flip_sin_to_cos", d.FlipSinToCos),
            DownBlockTypes = reader.Choices("down_block_types", d.DownBlockTypes, WithOldNames(DownBlocks)),
            HasMidBlock = HasMidBlock(reader),
            UpBlockTypes = reader.Choices("up_block_types", d.UpBlockTypes, WithOldNames(UpBlocks)),
            BlockOutChannels = reader.Integers("block_out_channels", d.BlockOutChannels),
            LayersPerBlock = reader.Integer("layers_per_block", d.LayersPerBlock),
            MidBlockScaleFactor = reader.Number("mid_block_scale_factor", d.MidBlockScaleFactor),
            DownsamplePadding = reader.Integer("downsample_padding", d.DownsamplePadding),
            DownsampleType = reader.OptionalChoice("downsample_type", ResamplingTypes) ?? d.DownsampleType,
            UpsampleType = reader.OptionalChoice("upsample_type", ResamplingTypes) ?? d.UpsampleType,
            Dropout = reader.Number("dropout", d.Dropout),
            ActFn = reader.Choice("act_fn", d.ActFn, Activations),
            AttentionHeadDim = reader.OptionalInteger("attention_head_dim", d.AttentionHeadDim),
            NormNumGroups = reader.OptionalInteger("norm_num_groups", d.NormNumGroups),
            AttnNormNumGroups = reader.OptionalInteger("attn_norm_num_groups", d.AttnNormNumGroups),
            NormEps = reader.Number("norm_eps", d.NormEps),
            ResnetTimeScaleShift = reader.Choice("resnet_time_scale_shift", d.ResnetTimeScaleShift, TimeScaleShifts),
            AddAttention = reader.Flag("add_attention", d.AddAttention),
            ClassEmbedType = reader.OptionalChoice("class_embed_type", ClassEmbeddings),
            NumClassEmbeds = reader.OptionalInteger("num_class_embeds", d.NumClassEmbeds),
            NumTrainTimesteps = reader.OptionalInteger("num_train_timesteps", d.NumTrainTimesteps),
        };
        reader.RefuseOthers();
        try
        {
            UNetConfigRules.Check(config);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"'{source}' describes no network that runs: {error.Message}", error);
        }
        return config;
    }

    public static string Write(UNetConfig c)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("_class_name", ClassName);
            json.WriteString("act_fn", NameOf(c.ActFn, Activations));
            json.WriteBoolean("add_attention", c.AddAttention);
            Integer(json, "attention_head_dim", c.AttentionHeadDim);
            Integer(json, "attn_norm_num_groups", c.AttnNormNumGroups);
            List(json, "block_out_channels", c.BlockOutChannels, json.WriteNumberValue);
            json.WriteBoolean("center_input_sample", c.CenterInputSample);
            Text(json, "class_embed_type", c.ClassEmbedType is { } type ? NameOf(type, ClassEmbeddings) : null);
            List(json, "down_block_types", c.DownBlockTypes, b => json.WriteStringValue(NameOf(b, DownBlocks)));
            json.WriteNumber("downsample_padding", c.DownsamplePadding);
            json.WriteString("downsample_type", NameOf(c.DownsampleType, ResamplingTypes));
            json.WriteNumber("dropout", c.Dropout);
            json.WriteBoolean("flip_sin_to_cos", c.FlipSinToCos);
            json.WriteNumber("freq_shift", c.FreqShift);
            json.WriteNumber("in_channels", c.InChannels);
            json.WriteNumber("layers_per_block", c.LayersPerBlock);
            json.WriteNumber("mid_block_scale_factor", c.MidBlockScaleFactor);
            Text(json, "mid_block_type", c.HasMidBlock ? MidBlockName : null);
            json.WriteNumber("norm_eps", c.NormEps);
            Integer(json, "norm_num_groups", c.NormNumGroups);
            Integer(json, "num_class_embeds", c.NumClassEmbeds);
            Integer(json, "num_train_timesteps", c.NumTrainTimesteps);
            json.WriteNumber("out_channels", c.OutChannels);
            json.WriteString("resnet_time_scale_shift", NameOf(c.ResnetTimeScaleShift, TimeScaleShifts));
            if (c.SampleSize is { } size && size.Height != size.Width) List(json, "sample_size", [size.Height, size.Width], json.WriteNumberValue);
            else Integer(json, "sample_size", c.SampleSize?.Height);
            Integer(json, "time_embedding_dim", c.TimeEmbeddingDim);
            json.WriteString("time_embedding_type", NameOf(c.TimeEmbeddingType, TimeEmbeddings));
            List(json, "up_block_types", c.UpBlockTypes, b => json.WriteStringValue(NameOf(b, UpBlocks)));
            json.WriteString("upsample_type", NameOf(c.UpsampleType, ResamplingTypes));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static bool HasMidBlock(ConfigReader reader) =>
        reader.Has("mid_block_type") is false || reader.OptionalChoice("mid_block_type", (MidBlockName, true)) is true;

    // "UNetRes" before a name is how the first versions wrote it.
    private static (string Name, UNetBlockType Value)[] WithOldNames((string Name, UNetBlockType Value)[] names) =>
        [.. names, .. names.Select(n => ("UNetRes" + n.Name, n.Value))];

    private static string NameOf<T>(T value, (string Name, T Value)[] names) where T : struct, Enum =>
        names.FirstOrDefault(n => EqualityComparer<T>.Default.Equals(n.Value, value)).Name ?? value.ToString();

    private static void Integer(Utf8JsonWriter json, string key, int? value)
    {
        if (value is { } number) json.WriteNumber(key, number);
        else json.WriteNull(key);
    }

    private static void Text(Utf8JsonWriter json, string key, string? value)
    {
        if (value is not null) json.WriteString(key, value);
        else json.WriteNull(key);
    }

    private static void List<T>(Utf8JsonWriter json, string key, ImmutableArray<T> values, Action<T> write)
    {
        json.WriteStartArray(key);
        foreach (var value in values.IsDefault ? [] : values) write(value);
        json.WriteEndArray();
    }
}
