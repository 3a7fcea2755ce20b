using System.Collections.Immutable;
using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>
/// How many tensors and numbers a network has at the least, told from its configuration alone: within a small factor of the truth. A small file can
/// ask for a network of any size; this says so before memory is taken.
/// </summary>
internal readonly record struct LeastWeights(UInt128 Tensors, UInt128 Numbers)
{
    private const int TensorsOfResidualBlock = 10; // two normalisations, two convolutions, the noise label; a weight and a bias each
    private const int TensorsOfTransformerBlock = 16;

    public static LeastWeights Of(UNetConfig c)
    {
        var time = (UInt128)(uint)c.TimeWidth;
        var result = Ends(c.InChannels, c.OutChannels, c.BlockOutChannels[0], 3, 3) + new LeastWeights(4, time * time + time * (uint)c.BlockOutChannels[0]);
        if (c is { ClassEmbedType: null, NumClassEmbeds: { } classes }) result += new LeastWeights(1, time * (uint)classes);
        if (c.TimeEmbeddingType == TimeEmbeddingType.Learned) result += new LeastWeights(1, (UInt128)(uint)c.NumTrainTimesteps!.Value * (uint)c.BlockOutChannels[0]);
        for (var i = 0; i < c.BlockOutChannels.Length; i++) result += Level(c.BlockOutChannels, i, c.LayersPerBlock, time);
        return result;
    }

    public static LeastWeights Of(ConditionalUNetConfig c)
    {
        var time = (UInt128)(uint)c.TimeWidth;
        var features = c.TimeEmbeddingType == TimeEmbeddingType.Fourier ? time : (uint)c.BlockOutChannels[0];
        var result = Ends(c.InChannels, c.OutChannels, c.BlockOutChannels[0], c.ConvInKernel, c.ConvOutKernel)
            + new LeastWeights(4, time * (time + features) + features * (uint)(c.TimeCondProjDim ?? 0)) + Conditions(c, time);
        var last = c.BlockOutChannels.Length - 1;
        for (var i = 0; i <= last; i++)
        {
            var layers = PerLevel(c.LayersPerBlock, i);
            result += Level(c.BlockOutChannels, i, layers, time);
            var down = PerLevel(c.TransformerLayersPerBlock, i);
            var up = c.ReverseTransformerLayersPerBlock.IsDefaultOrEmpty ? down : PerLevel(c.ReverseTransformerLayersPerBlock, last - i);
            result += Attention(c, c.DownBlockTypes[i], i, Blocks(down, layers)) + Attention(c, c.UpBlockTypes[last - i], i, Blocks(up, layers + 1));
        }

        return c.MidBlockType switch
        {
            ConditionalMidBlockType.CrossAttention => result + Attention(c, ConditionalBlockType.CrossAttention, last, (uint)PerLevel(c.TransformerLayersPerBlock, last)[0]),
            ConditionalMidBlockType.SimpleCrossAttention => result + Attention(c, ConditionalBlockType.SimpleCrossAttention, last, 1),
            _ => result,
        };
    }

    public static LeastWeights operator +(LeastWeights a, LeastWeights b) => new(a.Tensors + b.Tensors, a.Numbers + b.Numbers);

    // The first and the last convolution, and a normalisation.
    private static LeastWeights Ends(int inChannels, int outChannels, int channels, int inKernel, int outKernel) =>
        new(6, (UInt128)(uint)channels * ((UInt128)(uint)inChannels * (uint)inKernel * (uint)inKernel + (UInt128)(uint)outChannels * (uint)outKernel * (uint)outKernel));

    // On the way down and up, a residual block a layer and one more: its second convolution, the noise label, and one convolution from the level above.
    private static LeastWeights Level(ImmutableArray<int> channels, int i, int layers, UInt128 time)
    {
        var (own, above) = ((UInt128)(uint)channels[i], (UInt128)(uint)channels[Math.Max(i - 1, 0)]);
        var blocks = 2 * (UInt128)(uint)layers + 1;
        return new LeastWeights(blocks * TensorsOfResidualBlock, blocks * own * (9 * own + time) + 9 * own * above);
    }

    private static LeastWeights Attention(ConditionalUNetConfig c, ConditionalBlockType type, int level, UInt128 blocks)
    {
        if (!Attends(type)) return default;
        var (channels, context) = ((UInt128)(uint)c.BlockOutChannels[level], (UInt128)(uint)AttendedWidth(c));
        if (type == ConditionalBlockType.SimpleCrossAttention) return new LeastWeights(2, channels * context);
        if (c.DualCrossAttention) blocks = 1; // it takes no number
        var heads = (UInt128)(uint)PerLevel(c.AttentionHeads, level);
        var width = heads * (channels / heads);
        return new LeastWeights(TensorsOfTransformerBlock * blocks, blocks * width * (12 * width + 2 * context));
    }

    private static UInt128 Blocks(ImmutableArray<int> blocks, int layers) =>
        blocks.Length == 1 ? (UInt128)(uint)blocks[0] * (uint)layers : blocks.Aggregate((UInt128)0, (sum, n) => sum + (uint)n);

    private static LeastWeights Conditions(ConditionalUNetConfig c, UInt128 time)
    {
        UInt128 numbers = c.ClassEmbedType switch
        {
            ClassEmbeddingType.Projection or ClassEmbeddingType.SimpleProjection => time * (uint)c.ProjectionClassEmbeddingsInputDim!.Value,
            null => time * (uint)(c.NumClassEmbeds ?? 0),
            _ => 0,
        };
        if (c.EncoderHidDim is { } hidden) numbers += (UInt128)(uint)hidden * (uint)AttendedWidth(c);
        numbers += c.AdditionEmbedType switch
        {
            AddedEmbeddingType.Text => time * (uint)ContextWidth(c)!.Value,
            AddedEmbeddingType.TextImage => time * (uint)AttendedWidth(c),
            AddedEmbeddingType.TextTime => time * (uint)c.ProjectionClassEmbeddingsInputDim!.Value,
            AddedEmbeddingType.Image or AddedEmbeddingType.ImageHint => time * (uint)c.EncoderHidDim!.Value,
            _ => 0,
        };
        return new LeastWeights(0, numbers);
    }
}
