using System.Collections.Immutable;

namespace Diffusion.Networks;

/// <summary>
/// The shape of a <see cref="ConditionalUNet"/>: the options of UNet2DConditionModel in diffusers, under its names and with its defaults,
/// so that its config.json is read and written as it is. Immutable; change one with a <c>with</c> expression.
/// </summary>
/// <remarks>A list "a level" has one entry a level, the first at full resolution, or a single one for all levels.</remarks>
public sealed record ConditionalUNetConfig
{
    /// <summary>Height and width that the network is meant for; a note for users, since any size that fits the levels works.</summary>
    public (int Height, int Width)? SampleSize { get; init; }

    /// <summary>Channels of the input, those of <see cref="Conditioning.Image"/> included (four for a hint of an image).</summary>
    public int InChannels { get; init; } = 4;

    /// <summary>Channels of the output; twice those of the state where a variance is predicted too.</summary>
    public int OutChannels { get; init; } = 4;

    /// <summary>Whether the input is mapped from [0, 1] to [−1, 1] first.</summary>
    public bool CenterInputSample { get; init; }

    /// <summary>Whether cosines come before sines in the embedding of labels.</summary>
    public bool FlipSinToCos { get; init; } = true;

    /// <summary>Shift of the frequencies of the positional embedding: ωᵢ = 10000^(−i/(h − shift)).</summary>
    public int FreqShift { get; init; }

    /// <summary>The levels on the way down, the first at full resolution.</summary>
    public ImmutableArray<ConditionalBlockType> DownBlockTypes { get; init; } =
        [ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.Plain];

    /// <summary>The middle; null for none.</summary>
    public ConditionalMidBlockType? MidBlockType { get; init; } = ConditionalMidBlockType.CrossAttention;

    /// <summary>The levels on the way up, the first at the lowest resolution.</summary>
    public ImmutableArray<ConditionalBlockType> UpBlockTypes { get; init; } =
        [ConditionalBlockType.Plain, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention, ConditionalBlockType.CrossAttention];

    /// <summary>Whether attention looks at the context alone and never at the image; a level.</summary>
    public ImmutableArray<bool> OnlyCrossAttention { get; init; } = [false];

    /// <summary>The same of a simple middle. Null for that of the levels if they have one for all, else for false.</summary>
    public bool? MidBlockOnlyCrossAttention { get; init; }

    /// <summary>Channels of each level, the first at full resolution.</summary>
    public ImmutableArray<int> BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    /// <summary>Residual blocks a level on the way down; on the way up there is one more.</summary>
    public ImmutableArray<int> LayersPerBlock { get; init; } = [2];

    /// <summary>Padding of the convolutions that halve: 1 on every side, or 0 for one pixel right and below.</summary>
    public int DownsamplePadding { get; init; } = 1;

    /// <summary>What sums in the residual blocks of the middle are divided by.</summary>
    public double MidBlockScaleFactor { get; init; } = 1;

    /// <summary>Dropout in the residual blocks, in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Activation of the residual blocks and of the embedding of the noise label.</summary>
    public Activation ActFn { get; init; }

    /// <summary>Groups of the normalisations.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Added to the variance in the normalisations of residual blocks.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Width of a token as attention sees it; a level. Levels that attend must agree, since one context serves all.</summary>
    public ImmutableArray<int> CrossAttentionDim { get; init; } = [1280];

    /// <summary>Transformer blocks of each layer; a level, and in it one number a layer or a single one for all. The last entry serves the middle.</summary>
    public ImmutableArray<ImmutableArray<int>> TransformerLayersPerBlock { get; init; } = [[1]];

    /// <summary>The same on the way up, the first entry at the lowest resolution; default (empty) for those of the way down in reverse.</summary>
    public ImmutableArray<ImmutableArray<int>> ReverseTransformerLayersPerBlock { get; init; } = [];

    /// <summary>Width of <see cref="Conditioning.Context"/> (or of the image) before the projection; null where there is none.</summary>
    public int? EncoderHidDim { get; init; }

    /// <summary>What the context is made of; null for <see cref="Conditioning.Context"/> as it is given.</summary>
    public ContextProjectionType? EncoderHidDimType { get; init; }

    /// <summary>
    /// Heads of attention; a level. In <see cref="ConditionalBlockType.Attention"/> and <see cref="ConditionalBlockType.SimpleCrossAttention"/> levels
    /// the width of a head instead: "attention_head_dim" in a config.json is both, and there as well as here the width is not reversed on the way up.
    /// </summary>
    public ImmutableArray<int> AttentionHeads { get; init; } = [8];

    /// <summary>Whether each layer has two transformers, for a context of 77 tokens of text and then 257 of an image.</summary>
    public bool DualCrossAttention { get; init; }

    /// <summary>Whether linear layers, rather than 1×1 convolutions, lead into transformers and out of them.</summary>
    public bool UseLinearProjection { get; init; }

    /// <summary>How a class is given; null for a table of <see cref="NumClassEmbeds"/> classes, or for none.</summary>
    public ClassEmbeddingType? ClassEmbedType { get; init; }

    /// <summary>Number of classes of the table; null for none.</summary>
    public int? NumClassEmbeds { get; init; }

    /// <summary>Whether the class is put beside the embedded noise label instead of added to it.</summary>
    public bool ClassEmbeddingsConcat { get; init; }

    /// <summary>Width of what a projected class, or text and numbers together, are embedded from.</summary>
    public int? ProjectionClassEmbeddingsInputDim { get; init; }

    /// <summary>What else is added to the embedded noise label; null for nothing.</summary>
    public AddedEmbeddingType? AdditionEmbedType { get; init; }

    /// <summary>Width of the embedding of each of <see cref="Conditioning.TimeIds"/>.</summary>
    public int? AdditionTimeEmbedDim { get; init; }

    /// <summary>Heads of the attention that pools a text (<see cref="AddedEmbeddingType.Text"/>).</summary>
    public int AdditionEmbedTypeNumHeads { get; init; } = 64;

    /// <summary>Whether transformers in half precision attend in float32.</summary>
    public bool UpcastAttention { get; init; }

    /// <summary>How the embedded noise label acts in residual blocks.</summary>
    public ResnetTimeScaleShift ResnetTimeScaleShift { get; init; }

    /// <summary>Whether the residual blocks of <see cref="ConditionalBlockType.Resnet"/> and simple levels take the embedded noise label without an activation.</summary>
    public bool ResnetSkipTimeAct { get; init; }

    /// <summary>What sums in the residual blocks of the same levels are divided by.</summary>
    public double ResnetOutScaleFactor { get; init; } = 1;

    /// <summary>How the noise label is embedded: <see cref="TimeEmbeddingType.Positional"/>, or <see cref="TimeEmbeddingType.Fourier"/> of the label itself.</summary>
    public TimeEmbeddingType TimeEmbeddingType { get; init; }

    /// <summary>Width of the embedded noise label; null for four times the first of <see cref="BlockOutChannels"/>, twice for Fourier features.</summary>
    public int? TimeEmbeddingDim { get; init; }

    /// <summary>An activation of everything that was added up, before the levels; null for none.</summary>
    public Activation? TimeEmbeddingActFn { get; init; }

    /// <summary>An activation at the end of the embedding of the noise label; null for none.</summary>
    public Activation? TimestepPostAct { get; init; }

    /// <summary>Width of <see cref="Conditioning.GuidanceEmbedding"/>; null where there is none.</summary>
    public int? TimeCondProjDim { get; init; }

    /// <summary>Side of the first convolution; odd.</summary>
    public int ConvInKernel { get; init; } = 3;

    /// <summary>Side of the last convolution; odd.</summary>
    public int ConvOutKernel { get; init; } = 3;

    /// <summary>How simple levels normalise the context; null for not at all.</summary>
    public CrossAttentionNorm? CrossAttentionNorm { get; init; }

    /// <summary>
    /// Keys of a published config.json that say nothing of the network (where it was, which library wrote it, how its weights were
    /// averaged), with their values as JSON. Kept when it is written again; not compared.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Notes
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value));
    } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Width of the embedded noise label.</summary>
    public int TimeWidth => TimeEmbeddingDim ?? (TimeEmbeddingType == TimeEmbeddingType.Fourier ? 2 : 4) * BlockOutChannels[0];

    /// <summary>Reads a config.json of UNet2DConditionModel.</summary>
    /// <param name="json">The text. Missing keys have the defaults here.</param>
    /// <param name="source">Where it is from; named in messages.</param>
    /// <exception cref="InvalidDataException">
    /// The text is not JSON, is of another class, has a key that is not known or a value of the wrong kind, or names something
    /// that <see cref="ConditionalUNet"/> cannot run. The message says where and what is needed.
    /// </exception>
    public static ConditionalUNetConfig FromJson(string json, string source = "config.json")
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(source);
        return ConditionalUNetConfigReader.Read(json, source);
    }

    /// <summary>The config.json of UNet2DConditionModel in diffusers.</summary>
    public string ToJson() => ConditionalUNetConfigWriter.Write(this, Notes);

    /// <summary>Whether both describe the same network.</summary>
    public bool Equals(ConditionalUNetConfig? other) => other is not null && Essence == other.Essence;

    /// <inheritdoc/>
    public override int GetHashCode() => Essence.GetHashCode(StringComparison.Ordinal);

    private string Essence => ConditionalUNetConfigWriter.Write(this, ImmutableSortedDictionary<string, string>.Empty);
}
