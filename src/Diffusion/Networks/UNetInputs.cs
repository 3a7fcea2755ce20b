namespace Diffusion.Networks;

/// <summary>The checks at the public door of a <see cref="UNet"/>. None looks at values, so none waits for a device.</summary>
internal static class UNetInputs
{
    public static void Check(UNetConfig config, Tensor weight, Tensor x, Tensor label, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(label);
        CheckState(weight, x, condition?.Image, config.InChannels);
        CheckSize(x, config.BlockOutChannels.Length - 1);
        var batch = x.shape[0];
        CheckLabel(label, x);
        if (condition is null)
        {
            if (TakesClasses(config)) throw MissingClass(config);
            return;
        }
        CheckClass(config, condition, batch, x);
        string? other = condition.Context is not null ? nameof(condition.Context)
            : condition.ContextMask is not null ? nameof(condition.ContextMask)
            : condition.AugmentationLevel is not null ? nameof(condition.AugmentationLevel)
            : condition.PooledText is not null ? nameof(condition.PooledText)
            : condition.ImageEmbedding is not null ? nameof(condition.ImageEmbedding)
            : condition.TimeIds is not null ? nameof(condition.TimeIds)
            : condition.GuidanceEmbedding is not null ? nameof(condition.GuidanceEmbedding)
            : null;
        if (other is not null)
            throw new ArgumentException($"The condition gives {other}; this U-Net takes class labels or a vector, and an image.", nameof(condition));
    }

    private static bool TakesClasses(UNetConfig config) => config.ClassEmbedType is not null || config.NumClassEmbeds is not null;

    /// <summary>One number a sample.</summary>
    public static void CheckLabel(Tensor label, Tensor x)
    {
        if (label.dim() != 1 || label.shape[0] != x.shape[0] || label.dtype is ScalarType.Bool || label.is_complex() || !label.IsBeside(x))
            throw new ArgumentException($"label is {label.Describe()}; one number a sample, [{x.shape[0]}] on {x.device}, is needed.", nameof(label));
    }

    /// <summary>A batch of images in the type of the network, with the image beside it as many channels as it takes.</summary>
    public static void CheckState(Tensor weight, Tensor x, Tensor? image, int channels)
    {
        if (x.dim() != 4) throw new ArgumentException($"x is {x.Describe()}; [batch, channels, height, width] is needed.", nameof(x));
        if (x.dtype != weight.dtype || !x.IsBeside(weight))
            throw new ArgumentException($"x is {x.Describe()}; this network is {weight.dtype} on {weight.device}, and x must be too.", nameof(x));
        var shape = x.shape;
        if (image is not null
            && (image.dim() != 4 || image.dtype != x.dtype || !image.IsBeside(x)
                || image.shape[0] != shape[0] || image.shape[2] != shape[2] || image.shape[3] != shape[3]))
            throw new ArgumentException($"The condition's Image is {image.Describe()}; it must have the batch, size, type and device of x, which is {x.Describe()}.", nameof(image));
        var given = shape[1] + (image?.shape[1] ?? 0);
        if (given != channels)
            throw new ArgumentException($"x has {shape[1]} channels{(image is null ? "" : $" and the condition's Image {image.shape[1]}")}; this U-Net takes {channels}.", nameof(x));
        if (shape[0] < 1 || shape[2] < 1 || shape[3] < 1)
            throw new ArgumentException($"x has shape [{string.Join(", ", shape)}]; there must be a sample, and it a pixel.", nameof(x));
    }

    /// <summary>A size that halves so often.</summary>
    public static void CheckSize(Tensor x, int halvings)
    {
        var (shape, multiple) = (x.shape, 1 << halvings);
        if (shape[2] % multiple != 0 || shape[3] % multiple != 0)
            throw new ArgumentException(
                $"x has shape [{string.Join(", ", shape)}]; this U-Net halves {halvings} times, so height and width must be multiples of {multiple}.", nameof(x));
    }

    private static void CheckClass(UNetConfig config, Conditioning condition, long batch, Tensor x)
    {
        var wantsVector = config.ClassEmbedType == ClassEmbeddingType.Identity;
        var wantsLabels = TakesClasses(config) && !wantsVector;
        if (condition.ClassLabels is { } labels)
        {
            if (!wantsLabels) throw new ArgumentException("The condition gives ClassLabels; this U-Net takes none.", nameof(condition));
            var whole = config.ClassEmbedType is null;
            if (labels.dim() != 1 || labels.shape[0] != batch || !labels.IsBeside(x) || labels.dtype is ScalarType.Bool || labels.is_complex()
                || (whole && labels.is_floating_point()))
                throw new ArgumentException($"The condition's ClassLabels are {labels.Describe()}; {(whole ? "int64 " : "")}[{batch}] on {x.device} is needed.", nameof(condition));
        }
        else if (wantsLabels)
        {
            throw MissingClass(config);
        }
        if (condition.Vector is { } vector)
        {
            if (!wantsVector) throw new ArgumentException("The condition gives a Vector; this U-Net takes none.", nameof(condition));
            if (vector.dim() != 2 || vector.shape[0] != batch || vector.shape[1] != config.TimeWidth || vector.dtype != x.dtype || !vector.IsBeside(x))
                throw new ArgumentException($"The condition's Vector is {vector.Describe()}; {x.dtype} [{batch}, {config.TimeWidth}] on {x.device} is needed.", nameof(condition));
        }
        else if (wantsVector)
        {
            throw MissingClass(config);
        }
    }

    private static ArgumentException MissingClass(UNetConfig config) => new(
        config.ClassEmbedType == ClassEmbeddingType.Identity
            ? $"This U-Net is conditional and no condition was given: Vector [batch, {config.TimeWidth}] is needed."
            : "This U-Net is class-conditional and no class was given: ClassLabels [batch] are needed.");
}
