using System.Collections.Immutable;

namespace Diffusion.Networks;

/// <summary>How a U-Net turns its noise label into features.</summary>
public enum TimeEmbeddingType
{
    /// <summary>Sines and cosines of the label (Ho et al. 2020).</summary>
    Positional,

    /// <summary>Sines and cosines of random multiples of ln(label); the output is divided by the label, which is σ (Song et al. 2021).</summary>
    Fourier,

    /// <summary>A trained row for each of a fixed number of whole labels.</summary>
    Learned,
}

/// <summary>How a U-Net is told the class when it has no table of classes.</summary>
public enum ClassEmbeddingType
{
    /// <summary>The label passes the same embedding as the noise label.</summary>
    Timestep,

    /// <summary><see cref="Conditioning.Vector"/>, of the width of the time embedding, is added to it.</summary>
    Identity,

    /// <summary><see cref="Conditioning.Vector"/> passes an embedding of its own (<see cref="ConditionalUNet"/> only).</summary>
    Projection,

    /// <summary><see cref="Conditioning.Vector"/> passes one linear layer (<see cref="ConditionalUNet"/> only).</summary>
    SimpleProjection,
}

/// <summary>
/// The shape of a <see cref="UNet"/>: the options of UNet2DModel in diffusers, under its names and with its defaults, so that
/// its config.json is read and written as it is. Immutable; change one with a <c>with</c> expression.
/// </summary>
public sealed record UNetConfig
{
    /// <summary>Height and width that the network is meant for; a note for users, since any size that fits the levels works.</summary>
    public (int Height, int Width)? SampleSize { get; init; }

    /// <summary>Channels of the input, those of <see cref="Conditioning.Image"/> included.</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of the output; twice those of the state where a variance is predicted too.</summary>
    public int OutChannels { get; init; } = 3;

    /// <summary>Whether the input is mapped from [0, 1] to [−1, 1] first.</summary>
    public bool CenterInputSample { get; init; }

    /// <summary>How the noise label is embedded.</summary>
    public TimeEmbeddingType TimeEmbeddingType { get; init; }

    /// <summary>Width of the embedded noise label; null for four times the first of <see cref="BlockOutChannels"/>.</summary>
    public int? TimeEmbeddingDim { get; init; }

    /// <summary>Shift of the frequencies of the positional embedding: ωᵢ = 10000^(−i/(h − shift)).</summary>
    public int FreqShift { get; init; }

    /// <summary>Whether cosines come before sines in the positional embedding.</summary>
    public bool FlipSinToCos { get; init; } = true;

    /// <summary>The levels on the way down, the first at full resolution.</summary>
    public ImmutableArray<UNetBlockType> DownBlockTypes { get; init; } =
        [UNetBlockType.Plain, UNetBlockType.Attention, UNetBlockType.Attention, UNetBlockType.Attention];

    /// <summary>Whether there is a middle block (mid_block_type "UNetMidBlock2D" or null).</summary>
    public bool HasMidBlock { get; init; } = true;

    /// <summary>The levels on the way up, the first at the lowest resolution.</summary>
    public ImmutableArray<UNetBlockType> UpBlockTypes { get; init; } =
        [UNetBlockType.Attention, UNetBlockType.Attention, UNetBlockType.Attention, UNetBlockType.Plain];

    /// <summary>Channels of each level, the first at full resolution.</summary>
    public ImmutableArray<int> BlockOutChannels { get; init; } = [224, 448, 672, 896];

    /// <summary>Residual blocks a level on the way down; on the way up there is one more.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>What sums in the middle block are divided by.</summary>
    public double MidBlockScaleFactor { get; init; } = 1;

    /// <summary>Padding of the convolutions that halve: 1 on every side, or 0 for one pixel right and below.</summary>
    public int DownsamplePadding { get; init; } = 1;

    /// <summary>How <see cref="UNetBlockType.Attention"/> levels halve the resolution; the other types fix it themselves.</summary>
    public UNetResamplingType DownsampleType { get; init; }

    /// <summary>How <see cref="UNetBlockType.Attention"/> levels double the resolution; the other types fix it themselves.</summary>
    public UNetResamplingType UpsampleType { get; init; }

    /// <summary>Dropout in the residual blocks, in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Activation of the residual blocks.</summary>
    public Activation ActFn { get; init; }

    /// <summary>Width of an attention head, of which there are channels / width; null for one head.</summary>
    public int? AttentionHeadDim { get; init; } = 8;

    /// <summary>Groups of the normalisations; null for min(channels / 4, 32), which takes skip levels throughout.</summary>
    public int? NormNumGroups { get; init; } = 32;

    /// <summary>
    /// Groups of the normalisation before the attention of the middle block. Null for those of its residual blocks, or for no
    /// normalisation there where <see cref="ResnetTimeScaleShift"/> is not the default.
    /// </summary>
    public int? AttnNormNumGroups { get; init; }

    /// <summary>Added to the variance in the normalisations.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>How the embedded noise label acts in residual blocks.</summary>
    public ResnetTimeScaleShift ResnetTimeScaleShift { get; init; }

    /// <summary>Whether the middle block has attention.</summary>
    public bool AddAttention { get; init; } = true;

    /// <summary>How a class is given; null for a table of <see cref="NumClassEmbeds"/> classes, or for none.</summary>
    public ClassEmbeddingType? ClassEmbedType { get; init; }

    /// <summary>Number of classes, that for "no class" included; null for none.</summary>
    public int? NumClassEmbeds { get; init; }

    /// <summary>Number of noise labels of the learned embedding.</summary>
    public int? NumTrainTimesteps { get; init; }

    /// <summary>Width of the embedded noise label.</summary>
    public int TimeWidth => TimeEmbeddingDim ?? 4 * BlockOutChannels[0];

    /// <summary>What height and width must be multiples of: 2 for every level but the last.</summary>
    public int SizeMultiple => 1 << (BlockOutChannels.Length - 1);

    /// <summary>Reads a config.json of UNet2DModel.</summary>
    /// <param name="json">The text. Missing keys have the defaults here; keys that begin with an underscore are left out.</param>
    /// <param name="source">Where it is from; named in messages.</param>
    /// <exception cref="InvalidDataException">
    /// The text is not JSON, is of another class, has a key that is not known or a value of the wrong kind, or names something
    /// that <see cref="UNet"/> cannot run. The message says where and what is needed.
    /// </exception>
    public static UNetConfig FromJson(string json, string source = "config.json")
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(source);
        return UNetConfigJson.Read(json, source);
    }

    /// <summary>The config.json of UNet2DModel in diffusers.</summary>
    public string ToJson() => UNetConfigJson.Write(this);

    /// <summary>Whether both describe the same network.</summary>
    public bool Equals(UNetConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
