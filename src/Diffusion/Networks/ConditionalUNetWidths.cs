using System.Collections.Immutable;

namespace Diffusion.Networks;

/// <summary>What a configuration says of the sides of a <see cref="ConditionalUNet"/>: which conditions it takes, and how wide they are.</summary>
internal static class ConditionalUNetWidths
{
    /// <summary>The entry of a level in a list that may have a single one for all.</summary>
    public static T PerLevel<T>(ImmutableArray<T> values, int level) => values.Length == 1 ? values[0] : values[level];

    public static bool Attends(ConditionalBlockType type) =>
        type is ConditionalBlockType.CrossAttention or ConditionalBlockType.SimpleCrossAttention;

    /// <summary>The levels, from full resolution, that look at the context on the way down, up or in the middle.</summary>
    public static IEnumerable<int> AttendingLevels(ConditionalUNetConfig c)
    {
        var last = c.BlockOutChannels.Length - 1;
        for (var i = 0; i <= last; i++)
        {
            if (Attends(c.DownBlockTypes[i]) || Attends(c.UpBlockTypes[last - i])
                || (i == last && c.MidBlockType is (ConditionalMidBlockType.CrossAttention or ConditionalMidBlockType.SimpleCrossAttention)))
                yield return i;
        }
    }

    /// <summary>Width of a token where attention looks at it.</summary>
    public static int AttendedWidth(ConditionalUNetConfig c) => PerLevel(c.CrossAttentionDim, AttendingLevels(c).FirstOrDefault());

    /// <summary>Width of <see cref="Conditioning.Context"/>; null where the network takes none.</summary>
    public static int? ContextWidth(ConditionalUNetConfig c) =>
        c.AdditionEmbedType == AddedEmbeddingType.Text || (AttendingLevels(c).Any() && c.EncoderHidDimType != ContextProjectionType.Image)
            ? c.EncoderHidDim ?? AttendedWidth(c)
            : null;

    /// <summary>The widths that parts of the network need of <see cref="Conditioning.ImageEmbedding"/>: they must agree.</summary>
    public static IEnumerable<int> ImageWidths(ConditionalUNetConfig c)
    {
        if (c.EncoderHidDimType == ContextProjectionType.Image) yield return c.EncoderHidDim!.Value;
        if (c.EncoderHidDimType == ContextProjectionType.TextImage) yield return AttendedWidth(c);
        if (c.AdditionEmbedType is AddedEmbeddingType.Image or AddedEmbeddingType.ImageHint) yield return c.EncoderHidDim!.Value;
        if (c.AdditionEmbedType == AddedEmbeddingType.TextImage) yield return AttendedWidth(c);
    }

    /// <summary>Width of <see cref="Conditioning.Vector"/>; null where the network takes none.</summary>
    public static int? VectorWidth(ConditionalUNetConfig c) => c.ClassEmbedType switch
    {
        ClassEmbeddingType.Identity => c.TimeWidth,
        ClassEmbeddingType.Projection or ClassEmbeddingType.SimpleProjection => c.ProjectionClassEmbeddingsInputDim,
        _ => null,
    };

    /// <summary>Whether <see cref="Conditioning.ClassLabels"/> are needed.</summary>
    public static bool TakesLabels(ConditionalUNetConfig c) =>
        c.ClassEmbedType == ClassEmbeddingType.Timestep || (c.ClassEmbedType is null && c.NumClassEmbeds is not null);

    /// <summary>How often height and width must be divisible by two: residual blocks halve even sizes only, convolutions any.</summary>
    public static int Halvings(ConditionalUNetConfig c)
    {
        var last = c.BlockOutChannels.Length - 1;
        static bool Pools(ConditionalBlockType type) => type is ConditionalBlockType.Resnet or ConditionalBlockType.SimpleCrossAttention;
        return c.DownBlockTypes.Take(last).Any(Pools) || c.UpBlockTypes.Take(last).Any(Pools) ? last : 0;
    }
}
