using System.Collections.Immutable;
using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>Which configurations make a <see cref="ConditionalUNet"/> that runs. Each rule says what was given and what is needed.</summary>
internal static class ConditionalUNetRules
{
    /// <summary>Above every size that was ever trained, and small enough that no product of sizes leaves its range.</summary>
    private const int Greatest = 1 << 24;

    /// <exception cref="ArgumentException">The configuration makes no network, or one whose forward pass cannot run.</exception>
    public static void Check(ConditionalUNetConfig c)
    {
        Need(!c.BlockOutChannels.IsDefaultOrEmpty && c.BlockOutChannels.Length <= 30, "BlockOutChannels needs one number a level, at least one.");
        var levels = c.BlockOutChannels.Length;
        Need(!c.DownBlockTypes.IsDefault && c.DownBlockTypes.Length == levels && !c.UpBlockTypes.IsDefault && c.UpBlockTypes.Length == levels,
            $"DownBlockTypes, UpBlockTypes and BlockOutChannels must have one entry a level; BlockOutChannels has {levels}.");
        CheckLists(c, levels);
        Positive(c.InChannels, nameof(c.InChannels));
        Positive(c.OutChannels, nameof(c.OutChannels));
        Positive(c.NormNumGroups, nameof(c.NormNumGroups));
        Positive(c.EncoderHidDim, nameof(c.EncoderHidDim));
        Positive(c.NumClassEmbeds, nameof(c.NumClassEmbeds));
        Positive(c.ProjectionClassEmbeddingsInputDim, nameof(c.ProjectionClassEmbeddingsInputDim));
        Positive(c.AdditionTimeEmbedDim, nameof(c.AdditionTimeEmbedDim));
        Positive(c.AdditionEmbedTypeNumHeads, nameof(c.AdditionEmbedTypeNumHeads));
        Positive(c.TimeEmbeddingDim, nameof(c.TimeEmbeddingDim));
        Positive(c.TimeCondProjDim, nameof(c.TimeCondProjDim));
        Positive(c.SampleSize?.Height, nameof(c.SampleSize));
        Positive(c.SampleSize?.Width, nameof(c.SampleSize));
        Need(c.DownsamplePadding is 0 or 1, $"DownsamplePadding is {c.DownsamplePadding}; with other than 0 or 1 the levels do not meet again.");
        Need(c.Dropout is >= 0 and < 1, $"Dropout is {c.Dropout}; from 0 to below 1 is needed.");
        Need(c.NormEps > 0 && double.IsFinite(c.NormEps), $"NormEps is {c.NormEps}; a finite number above 0 is needed.");
        Divisor(c.MidBlockScaleFactor, nameof(c.MidBlockScaleFactor));
        Divisor(c.ResnetOutScaleFactor, nameof(c.ResnetOutScaleFactor));
        Need(c.ConvInKernel is > 0 and <= Greatest && c.ConvInKernel % 2 == 1, $"ConvInKernel is {c.ConvInKernel}; an odd number is needed, or the size would change.");
        Need(c.ConvOutKernel is > 0 and <= Greatest && c.ConvOutKernel % 2 == 1, $"ConvOutKernel is {c.ConvOutKernel}; an odd number is needed, or the size would change.");
        foreach (var block in c.DownBlockTypes.Concat(c.UpBlockTypes)) Defined<ConditionalBlockType>(block);
        Defined(c.MidBlockType);
        Defined<Activation>(c.ActFn);
        Defined(c.TimeEmbeddingActFn);
        Defined(c.TimestepPostAct);
        Defined<ResnetTimeScaleShift>(c.ResnetTimeScaleShift);
        Defined(c.ClassEmbedType);
        Defined(c.EncoderHidDimType);
        Defined(c.AdditionEmbedType);
        Defined(c.CrossAttentionNorm);
        CheckTime(c);
        CheckClass(c);
        CheckContext(c);
        CheckAddition(c);
    }

    private static void CheckLists(ConditionalUNetConfig c, int levels)
    {
        void List<T>(ImmutableArray<T> values, string name) => Need(!values.IsDefault && (values.Length == 1 || values.Length == levels),
            $"{name} has {(values.IsDefault ? 0 : values.Length)} entries; one a level ({levels}), or a single one for all, are needed.");
        List(c.OnlyCrossAttention, nameof(c.OnlyCrossAttention));
        List(c.LayersPerBlock, nameof(c.LayersPerBlock));
        List(c.CrossAttentionDim, nameof(c.CrossAttentionDim));
        List(c.AttentionHeads, nameof(c.AttentionHeads));
        List(c.TransformerLayersPerBlock, nameof(c.TransformerLayersPerBlock));
        foreach (var number in c.BlockOutChannels) Positive(number, nameof(c.BlockOutChannels));
        foreach (var number in c.LayersPerBlock) Positive(number, nameof(c.LayersPerBlock));
        foreach (var number in c.CrossAttentionDim) Positive(number, nameof(c.CrossAttentionDim));
        foreach (var number in c.AttentionHeads) Positive(number, nameof(c.AttentionHeads));
        var reversed = !c.ReverseTransformerLayersPerBlock.IsDefaultOrEmpty;
        if (reversed) List(c.ReverseTransformerLayersPerBlock, nameof(c.ReverseTransformerLayersPerBlock));
        for (var i = 0; i < levels; i++)
        {
            var layers = PerLevel(c.LayersPerBlock, i);
            Blocks(PerLevel(c.TransformerLayersPerBlock, i), layers, nameof(c.TransformerLayersPerBlock));
            if (reversed) Blocks(PerLevel(c.ReverseTransformerLayersPerBlock, levels - 1 - i), layers + 1, nameof(c.ReverseTransformerLayersPerBlock));
            else Need(PerLevel(c.TransformerLayersPerBlock, i).Length == 1,
                "TransformerLayersPerBlock has a number a layer; ReverseTransformerLayersPerBlock must say how many there are on the way up, where each level has one layer more.");
        }
    }

    private static void Blocks(ImmutableArray<int> blocks, int layers, string name)
    {
        Need(!blocks.IsDefault && (blocks.Length == 1 || blocks.Length == layers),
            $"{name} has {(blocks.IsDefault ? 0 : blocks.Length)} numbers for a level of {layers} layers; one a layer, or a single one, are needed.");
        foreach (var number in blocks) Positive(number, name);
    }

    private static void CheckTime(ConditionalUNetConfig c)
    {
        Need(c.TimeEmbeddingType is TimeEmbeddingType.Positional or TimeEmbeddingType.Fourier,
            $"TimeEmbeddingType is {c.TimeEmbeddingType}; a ConditionalUNet takes Positional or Fourier.");
        var fourier = c.TimeEmbeddingType == TimeEmbeddingType.Fourier;
        Need(!fourier || c.TimeWidth % 2 == 0, $"TimeEmbeddingDim is {c.TimeEmbeddingDim}; sines and cosines need an even width.");
        Need(fourier || c.BlockOutChannels[0] / 2 != c.FreqShift,
            $"FreqShift is {c.FreqShift}, half of the first BlockOutChannels: the positional embedding would divide by zero.");
    }

    private static void CheckClass(ConditionalUNetConfig c)
    {
        Need(c.ClassEmbedType is not (ClassEmbeddingType.Projection or ClassEmbeddingType.SimpleProjection) || c.ProjectionClassEmbeddingsInputDim is not null,
            $"ClassEmbedType is {c.ClassEmbedType}; ProjectionClassEmbeddingsInputDim must say how wide the vector is.");
        if (!c.ClassEmbeddingsConcat) return;
        Need(TakesLabels(c) || VectorWidth(c) is not null, "ClassEmbeddingsConcat is set, but there is no class to put beside the noise label.");
        Need(c.AdditionEmbedType is null, $"ClassEmbeddingsConcat and AdditionEmbedType {c.AdditionEmbedType} exclude each other: the widths do not fit.");
    }

    private static void CheckContext(ConditionalUNetConfig c)
    {
        Need(c.EncoderHidDim is null == c.EncoderHidDimType is null,
            $"EncoderHidDim is {c.EncoderHidDim?.ToString() ?? "null"} and EncoderHidDimType {c.EncoderHidDimType?.ToString() ?? "null"}; a projection of the context needs both.");
        var widths = AttendingLevels(c).Select(i => PerLevel(c.CrossAttentionDim, i)).Distinct().ToList();
        Need(widths.Count <= 1, $"CrossAttentionDim is {string.Join(" and ", widths)} in levels that attend to the same context; it must be one width.");
        Need(!c.DualCrossAttention || c.EncoderHidDimType is null or ContextProjectionType.Text,
            $"DualCrossAttention needs {DualSpatialTransformer.TextTokens} and {DualSpatialTransformer.ImageTokens} tokens; EncoderHidDimType {c.EncoderHidDimType} makes others.");
        if (c.CrossAttentionNorm is not Networks.CrossAttentionNorm.Layer) return;
        // The reference makes the normalisation as wide as the features and applies it to the context.
        var last = c.BlockOutChannels.Length - 1;
        for (var i = 0; i <= last; i++)
        {
            var simple = c.DownBlockTypes[i] == ConditionalBlockType.SimpleCrossAttention || c.UpBlockTypes[last - i] == ConditionalBlockType.SimpleCrossAttention
                || (i == last && c.MidBlockType == ConditionalMidBlockType.SimpleCrossAttention);
            Need(!simple || c.BlockOutChannels[i] == AttendedWidth(c),
                $"CrossAttentionNorm is Layer, which in a published network is as wide as the features ({c.BlockOutChannels[i]} in level {i}); the context is {AttendedWidth(c)} wide.");
        }
    }

    private static void CheckAddition(ConditionalUNetConfig c)
    {
        switch (c.AdditionEmbedType)
        {
            case AddedEmbeddingType.TextTime:
                Need(c.AdditionTimeEmbedDim is not null && c.ProjectionClassEmbeddingsInputDim is not null,
                    "AdditionEmbedType is TextTime; AdditionTimeEmbedDim and ProjectionClassEmbeddingsInputDim must say how wide the numbers and the whole are.");
                Need(c.AdditionTimeEmbedDim / 2 != c.FreqShift, $"FreqShift is {c.FreqShift}, half of AdditionTimeEmbedDim: the embedding would divide by zero.");
                break;
            case AddedEmbeddingType.Image or AddedEmbeddingType.ImageHint:
                Need(c.EncoderHidDim is not null, $"AdditionEmbedType is {c.AdditionEmbedType}; EncoderHidDim must say how wide the image is.");
                break;
            case AddedEmbeddingType.Text:
                var width = ContextWidth(c)!.Value;
                Need(width % c.AdditionEmbedTypeNumHeads == 0, $"AdditionEmbedTypeNumHeads is {c.AdditionEmbedTypeNumHeads}; it must divide the width of the context, {width}.");
                break;
        }
        Need(c.AdditionEmbedType != AddedEmbeddingType.ImageHint || c.InChannels > ImageConditionEmbedding.HintChannels,
            $"InChannels is {c.InChannels}; a hint takes {ImageConditionEmbedding.HintChannels} of them, and the state needs one.");
        var images = ImageWidths(c).Distinct().ToList();
        Need(images.Count <= 1, $"ImageEmbedding would have to be {string.Join(" and ", images)} wide at once (EncoderHidDim, CrossAttentionDim).");
    }

    private static void Positive(int? value, string name)
    {
        Need(value is null or > 0, $"{name} is {value}; a number above 0 is needed.");
        Need(value is null or <= Greatest, $"{name} is {value}; at most {Greatest} is possible.");
    }

    private static void Divisor(double value, string name) => Need(value != 0 && double.IsFinite(value), $"{name} is {value}; a finite number other than 0 is needed.");

    private static void Defined<T>(T? value) where T : struct, Enum => Need(value is not { } given || Enum.IsDefined(given), $"{value} is no {typeof(T).Name}.");

    private static void Need(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
