using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>Makes the embeddings of conditions that a configuration of a <see cref="ConditionalUNet"/> names; null for those it has not.</summary>
internal static class ConditionalUNetEmbeddings
{
    /// <summary>Of the context.</summary>
    public static nn.Module? Context(ConditionalUNetConfig c) => c.EncoderHidDimType switch
    {
        ContextProjectionType.Text => nn.Linear(c.EncoderHidDim!.Value, AttendedWidth(c)),
        ContextProjectionType.Image => new ImageTokens(c.EncoderHidDim!.Value, AttendedWidth(c)),
        ContextProjectionType.TextImage => new TextImageTokens(c.EncoderHidDim!.Value, AttendedWidth(c), AttendedWidth(c)),
        _ => null,
    };

    /// <summary>Of the class.</summary>
    /// <param name="c">The configuration.</param>
    /// <param name="featureWidth">Width of the features of a noise label.</param>
    public static nn.Module<Tensor, Tensor>? Class(ConditionalUNetConfig c, long featureWidth) => c.ClassEmbedType switch
    {
        ClassEmbeddingType.Timestep => new TimestepEmbedding(featureWidth, c.TimeWidth, c.ActFn),
        ClassEmbeddingType.Identity => nn.Identity(),
        ClassEmbeddingType.Projection => new TimestepEmbedding(c.ProjectionClassEmbeddingsInputDim!.Value, c.TimeWidth),
        ClassEmbeddingType.SimpleProjection => nn.Linear(c.ProjectionClassEmbeddingsInputDim!.Value, c.TimeWidth),
        _ => c.NumClassEmbeds is { } count ? new EmbeddingTable(count, c.TimeWidth, "class labels") : null,
    };

    /// <summary>Of what else is added to the embedded noise label.</summary>
    public static nn.Module? Added(ConditionalUNetConfig c) => c.AdditionEmbedType switch
    {
        AddedEmbeddingType.Text => new TextConditionEmbedding(ContextWidth(c)!.Value, c.TimeWidth, c.AdditionEmbedTypeNumHeads),
        AddedEmbeddingType.TextImage => new TextImageConditionEmbedding(AttendedWidth(c), AttendedWidth(c), c.TimeWidth),
        AddedEmbeddingType.TextTime => new TimestepEmbedding(c.ProjectionClassEmbeddingsInputDim!.Value, c.TimeWidth),
        AddedEmbeddingType.Image or AddedEmbeddingType.ImageHint =>
            new ImageConditionEmbedding(c.EncoderHidDim!.Value, c.TimeWidth, hint: c.AdditionEmbedType == AddedEmbeddingType.ImageHint),
        _ => null,
    };
}
