using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>The checks at the public door of a <see cref="ConditionalUNet"/>. None looks at values, so none waits for a device.</summary>
internal sealed class ConditionalUNetInputs(ConditionalUNetConfig config, Tensor x, Conditioning condition)
{
    private readonly long _batch = x.shape[0];

    public static void Check(ConditionalUNetConfig config, Tensor weight, Tensor x, Tensor label, Conditioning condition)
    {
        var hint = config.AdditionEmbedType == AddedEmbeddingType.ImageHint;
        UNetInputs.CheckState(weight, x, hint ? null : condition.Image, config.InChannels - (hint ? ImageConditionEmbedding.HintChannels : 0));
        UNetInputs.CheckSize(x, Halvings(config));
        var halvings = config.BlockOutChannels.Length - 1;
        if (config.DownsamplePadding == 0 && Math.Min(x.shape[2], x.shape[3]) >> halvings == 0)
            throw new ArgumentException($"x is {x.Describe()}; this U-Net halves {halvings} times, so height and width must be at least {1 << halvings}.", nameof(x));
        UNetInputs.CheckLabel(label, x);
        new ConditionalUNetInputs(config, x, condition).CheckCondition(hint);
    }

    private void CheckCondition(bool hint)
    {
        CheckLabels();
        CheckVector(nameof(condition.Vector), condition.Vector, VectorWidth(config));
        CheckContext();
        var images = ImageWidths(config).ToList();
        CheckVector(nameof(condition.ImageEmbedding), condition.ImageEmbedding, images.Count == 0 ? null : images[0]);
        CheckText();
        CheckVector(nameof(condition.GuidanceEmbedding), condition.GuidanceEmbedding, config.TimeCondProjDim, optional: true);
        if (condition.AugmentationLevel is not null) throw Refused(nameof(condition.AugmentationLevel));
        if (hint) CheckHint();
    }

    private void CheckLabels()
    {
        var labels = condition.ClassLabels;
        if (!TakesLabels(config))
        {
            if (labels is not null) throw Refused(nameof(condition.ClassLabels));
            return;
        }
        var whole = config.ClassEmbedType is null;
        if (labels is null) throw Missing(nameof(condition.ClassLabels), whole ? $"one of {config.NumClassEmbeds} a sample, [batch]" : "one number a sample, [batch]");
        if (labels.dim() != 1 || labels.shape[0] != _batch || !labels.IsBeside(x) || labels.dtype is ScalarType.Bool || labels.is_complex()
            || (whole && labels.is_floating_point()))
            throw new ArgumentException($"The condition's ClassLabels are {labels.Describe()}; {(whole ? "int64 " : "")}[{_batch}] on {x.device} is needed.");
    }

    private void CheckVector(string name, Tensor? given, long? width, bool optional = false)
    {
        if (given is null)
        {
            if (width is not null && !optional) throw Missing(name, $"[batch, {width}]");
            return;
        }
        if (width is null) throw Refused(name);
        if (given.dim() != 2 || given.shape[0] != _batch || given.shape[1] != width || given.dtype != x.dtype || !given.IsBeside(x))
            throw new ArgumentException($"The condition's {name} is {given.Describe()}; {x.dtype} [{_batch}, {width}] on {x.device} is needed.");
    }

    private void CheckContext()
    {
        var (context, mask) = (condition.Context, condition.ContextMask);
        var width = ContextWidth(config);
        if (context is null)
        {
            if (width is not null) throw Missing(nameof(condition.Context), $"[batch, tokens, {width}]");
            if (mask is not null) throw new ArgumentException("The condition gives ContextMask without Context.");
            return;
        }
        if (width is null) throw Refused(nameof(condition.Context));
        if (context.dim() != 3 || context.shape[0] != _batch || context.shape[1] < 1 || context.shape[2] != width || context.dtype != x.dtype || !context.IsBeside(x))
            throw new ArgumentException($"The condition's Context is {context.Describe()}; {x.dtype} [{_batch}, tokens, {width}] on {x.device} is needed.");
        const int dual = DualSpatialTransformer.TextTokens + DualSpatialTransformer.ImageTokens;
        if (config.DualCrossAttention && context.shape[1] != dual)
            throw new ArgumentException(
                $"The condition's Context has {context.shape[1]} tokens; this U-Net takes {DualSpatialTransformer.TextTokens} of a text and then "
                + $"{DualSpatialTransformer.ImageTokens} of an image, {dual}.");
        if (mask is not null && (mask.dtype != ScalarType.Bool || mask.dim() != 2 || mask.shape[0] != _batch || mask.shape[1] != context.shape[1] || !mask.IsBeside(x)))
            throw new ArgumentException($"The condition's ContextMask is {mask.Describe()}; Bool [{_batch}, {context.shape[1]}] on {x.device}, one a token of Context, is needed.");
    }

    private void CheckText()
    {
        var ids = condition.TimeIds;
        if (config.AdditionEmbedType != AddedEmbeddingType.TextTime)
        {
            if (ids is not null) throw Refused(nameof(condition.TimeIds));
            CheckVector(nameof(condition.PooledText), condition.PooledText, config.AdditionEmbedType == AddedEmbeddingType.TextImage ? AttendedWidth(config) : null);
            return;
        }
        var (whole, each) = (config.ProjectionClassEmbeddingsInputDim!.Value, config.AdditionTimeEmbedDim!.Value);
        if (ids is null) throw Missing(nameof(condition.TimeIds), "[batch, numbers] (height, width, top, left, target height, target width)");
        if (ids.dim() != 2 || ids.shape[0] != _batch || ids.shape[1] < 1 || ids.dtype is ScalarType.Bool || ids.is_complex() || !ids.IsBeside(x))
            throw new ArgumentException($"The condition's TimeIds are {ids.Describe()}; numbers [{_batch}, numbers] on {x.device} are needed.");
        var pooled = whole - ids.shape[1] * each;
        if (pooled < 1)
            throw new ArgumentException($"The condition's TimeIds are {ids.shape[1]} numbers of {each} each; this U-Net embeds {whole} in all, pooled text included.");
        if (condition.PooledText is { } text && text.dim() == 2 && text.shape[1] != pooled)
            throw new ArgumentException(
                $"The condition's PooledText is {text.Describe()} and TimeIds has {ids.shape[1]} numbers of {each} each; together they must be {whole} wide, "
                + $"so [{_batch}, {pooled}] is needed beside that many numbers.");
        CheckVector(nameof(condition.PooledText), condition.PooledText, pooled);
    }

    private void CheckHint()
    {
        const int scale = ImageConditionEmbedding.HintScale, colors = ImageConditionEmbedding.HintColors;
        var (height, width) = (scale * x.shape[2], scale * x.shape[3]);
        if (condition.Image is not { } hint) throw Missing(nameof(condition.Image), $"[batch, {colors}, {scale}·height, {scale}·width]");
        if (!hint.shape.AsSpan().SequenceEqual([_batch, colors, height, width]) || hint.dtype != x.dtype || !hint.IsBeside(x))
            throw new ArgumentException($"The condition's Image is {hint.Describe()}; as a hint, {x.dtype} [{_batch}, {colors}, {height}, {width}] on {x.device} is needed.");
    }

    private static ArgumentException Missing(string name, string needed) =>
        new($"This U-Net is conditional and the condition's {name} is missing: {needed} is needed.");

    private static ArgumentException Refused(string name) => new($"The condition gives {name}; this U-Net takes none.");
}
