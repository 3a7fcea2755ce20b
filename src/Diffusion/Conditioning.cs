namespace Diffusion;

/// <summary>
/// Side information of one batch. A null property means "not given". Tensors are borrowed: this type disposes nothing,
/// and the methods that make a new conditioning put its tensors into the caller's scope.
/// </summary>
public sealed class Conditioning
{
    /// <summary>Class of each sample, int64 [batch].</summary>
    public Tensor? ClassLabels { get; init; }

    /// <summary>The label that stands for "no class"; needed to drop labels. By convention the last row of the class embedding.</summary>
    public long? NullClass { get; init; }

    /// <summary>A vector a sample that stands for its class (continuous labels, an embedding), [batch, width].</summary>
    public Tensor? Vector { get; init; }

    /// <summary>A text a sample as one vector, beside <see cref="Context"/>, [batch, width]. (Podell et al. 2023, SDXL)</summary>
    public Tensor? PooledText { get; init; }

    /// <summary>An image a sample as one vector, [batch, width]. (Ramesh et al. 2022, unCLIP)</summary>
    public Tensor? ImageEmbedding { get; init; }

    /// <summary>Size, crop and target size of the picture in pixels, or other numbers that are embedded as noise labels are, [batch, numbers]. (Podell et al. 2023, section 2.2)</summary>
    public Tensor? TimeIds { get; init; }

    /// <summary>The scale of guidance that a distilled network imitates, embedded, [batch, width]. (Meng et al. 2023)</summary>
    public Tensor? GuidanceEmbedding { get; init; }

    /// <summary>A sequence a sample that a network attends to, [batch, tokens, width].</summary>
    public Tensor? Context { get; init; }

    /// <summary>Which tokens of <see cref="Context"/> count, bool [batch, tokens].</summary>
    public Tensor? ContextMask { get; init; }

    /// <summary>An image joined to the state on the channel axis, [batch, channels, height, width].</summary>
    public Tensor? Image { get; init; }

    /// <summary>Noise level of <see cref="Image"/> (noise-conditioning augmentation, Ho et al. 2022), [batch].</summary>
    public Tensor? AugmentationLevel { get; init; }

    /// <summary>Whether nothing is given.</summary>
    public bool IsEmpty => Tensors().All(t => t is null);

    /// <summary>Number of samples; null when nothing is given.</summary>
    public long? BatchSize => Tensors().FirstOrDefault(t => t is not null)?.shape[0];

    /// <summary>Class labels as a condition.</summary>
    /// <param name="labels">One label a sample, each at least 0.</param>
    /// <param name="nullClass">The label that stands for "no class", if the network has one.</param>
    /// <param name="device">Where the labels are put; the CPU by default.</param>
    /// <exception cref="ArgumentException">No label was given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is negative.</exception>
    /// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
    public static Conditioning ForClasses(ReadOnlySpan<long> labels, long? nullClass = null, Device? device = null)
    {
        if (labels.IsEmpty) throw new ArgumentException("No class label was given; one a sample is needed.", nameof(labels));
        foreach (var label in labels) ArgumentOutOfRangeException.ThrowIfNegative(label, nameof(labels));
        TorchBackend.EnsureLoaded();
        return new Conditioning
        {
            ClassLabels = tensor(labels.ToArray(), int64, device ?? CPU),
            NullClass = nullClass,
        };
    }

    /// <summary>The samples named by <paramref name="indices"/>, in that order.</summary>
    /// <param name="indices">int64 [new batch], on the device of the tensors.</param>
    public Conditioning Select(Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        if (indices.dtype != ScalarType.Int64 || indices.dim() != 1)
            throw new ArgumentException($"indices is {indices.dtype} of shape [{string.Join(", ", indices.shape)}]; Int64 [new batch] is needed.", nameof(indices));
        return Map(t => t.index_select(0, indices));
    }

    /// <summary>
    /// The condition with the marked samples replaced by "no condition": the null class, and zeros elsewhere. What describes the picture or the
    /// process and not what is shown (<see cref="TimeIds"/>, <see cref="GuidanceEmbedding"/>, <see cref="ContextMask"/>,
    /// <see cref="AugmentationLevel"/>) stays.
    /// </summary>
    /// <param name="mask">bool [batch], true where the condition is dropped, on the device of the tensors.</param>
    /// <exception cref="InvalidOperationException">There are class labels but no <see cref="NullClass"/>.</exception>
    public Conditioning Drop(Tensor mask) => Drop(mask, ConditionParts.All);

    /// <summary>The condition with parts of the marked samples replaced by "no condition", as <see cref="Drop(Tensor)"/> does with all.</summary>
    /// <param name="mask">bool [batch], true where the parts are dropped, on the device of the tensors.</param>
    /// <param name="parts">Which parts; the others stay.</param>
    /// <exception cref="InvalidOperationException">There are class labels to drop but no <see cref="NullClass"/>.</exception>
    public Conditioning Drop(Tensor mask, ConditionParts parts)
    {
        ArgumentNullException.ThrowIfNull(mask);
        if ((parts & ~ConditionParts.All) != 0) throw new ArgumentOutOfRangeException(nameof(parts), parts, "Not parts of a condition.");
        if (mask.dtype != ScalarType.Bool || mask.dim() != 1 || (BatchSize is { } batch && mask.shape[0] != batch))
            throw new ArgumentException($"mask is {mask.dtype} of shape [{string.Join(", ", mask.shape)}]; bool [{BatchSize}] is needed.", nameof(mask));
        if (ClassLabels is not null && NullClass is null && parts.HasFlag(ConditionParts.Class))
            throw new InvalidOperationException(
                "Class labels can be dropped only when NullClass says which label stands for 'no class'. "
                + "Train with one class more than the data has and set NullClass to it.");
        Tensor? Blank(Tensor? t, ConditionParts part)
        {
            if (t is null || !parts.HasFlag(part)) return t?.alias();
            using var shaped = mask.view([mask.shape[0], .. Enumerable.Repeat(1L, (int)t.dim() - 1)]);
            return t.masked_fill(shaped, 0);
        }
        return new Conditioning
        {
            NullClass = NullClass,
            ClassLabels = parts.HasFlag(ConditionParts.Class) ? ClassLabels?.masked_fill(mask, NullClass!.Value) : ClassLabels?.alias(),
            Vector = Blank(Vector, ConditionParts.Class),
            PooledText = Blank(PooledText, ConditionParts.Text),
            ImageEmbedding = Blank(ImageEmbedding, ConditionParts.ImageEmbedding),
            TimeIds = TimeIds?.alias(),
            GuidanceEmbedding = GuidanceEmbedding?.alias(),
            Context = Blank(Context, ConditionParts.Text),
            ContextMask = ContextMask?.alias(),
            Image = Blank(Image, ConditionParts.Image),
            AugmentationLevel = AugmentationLevel?.alias(),
        };
    }

    /// <summary>The condition with every sample dropped: the unconditional branch of classifier-free guidance.</summary>
    public Conditioning DropAll()
    {
        using var scope = NewDisposeScope();
        var first = Tensors().FirstOrDefault(t => t is not null)
            ?? throw new InvalidOperationException("An empty condition cannot be dropped.");
        var dropped = Drop(ones(first.shape[0], ScalarType.Bool, first.device));
        foreach (var t in dropped.Tensors()) t?.MoveToOuterDisposeScope();
        return dropped;
    }

    /// <summary>This condition followed by another along the batch axis. Both must give the same properties.</summary>
    /// <exception cref="ArgumentException">One condition gives a property that the other does not.</exception>
    public Conditioning Concat(Conditioning other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Tensor? Join(Tensor? a, Tensor? b, string name) => (a, b) switch
        {
            (null, null) => null,
            ({ } x, { } y) => cat([x, y], 0),
            _ => throw new ArgumentException($"Only one of the two conditions gives {name}.", nameof(other)),
        };
        return new Conditioning
        {
            NullClass = NullClass,
            ClassLabels = Join(ClassLabels, other.ClassLabels, nameof(ClassLabels)),
            Vector = Join(Vector, other.Vector, nameof(Vector)),
            PooledText = Join(PooledText, other.PooledText, nameof(PooledText)),
            ImageEmbedding = Join(ImageEmbedding, other.ImageEmbedding, nameof(ImageEmbedding)),
            TimeIds = Join(TimeIds, other.TimeIds, nameof(TimeIds)),
            GuidanceEmbedding = Join(GuidanceEmbedding, other.GuidanceEmbedding, nameof(GuidanceEmbedding)),
            Context = Join(Context, other.Context, nameof(Context)),
            ContextMask = Join(ContextMask, other.ContextMask, nameof(ContextMask)),
            Image = Join(Image, other.Image, nameof(Image)),
            AugmentationLevel = Join(AugmentationLevel, other.AugmentationLevel, nameof(AugmentationLevel)),
        };
    }

    /// <summary>The condition on another device.</summary>
    public Conditioning To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Map(t => t.device.type == device.type && t.device.index == device.index ? t.alias() : t.to(device));
    }

    /// <summary>A new condition with <paramref name="map"/> applied to every tensor that is given.</summary>
    /// <param name="map">Takes a borrowed tensor and returns a fresh one.</param>
    public Conditioning Map(Func<Tensor, Tensor> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        Tensor? Apply(Tensor? t) => t is null ? null : map(t);
        return new Conditioning
        {
            NullClass = NullClass,
            ClassLabels = Apply(ClassLabels),
            Vector = Apply(Vector),
            PooledText = Apply(PooledText),
            ImageEmbedding = Apply(ImageEmbedding),
            TimeIds = Apply(TimeIds),
            GuidanceEmbedding = Apply(GuidanceEmbedding),
            Context = Apply(Context),
            ContextMask = Apply(ContextMask),
            Image = Apply(Image),
            AugmentationLevel = Apply(AugmentationLevel),
        };
    }

    internal IEnumerable<Tensor?> Tensors() =>
        [ClassLabels, Vector, PooledText, ImageEmbedding, TimeIds, GuidanceEmbedding, Context, ContextMask, Image, AugmentationLevel];
}
