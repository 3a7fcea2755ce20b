using TorchSharp.Modules;

namespace Diffusion.Networks;

/// <summary>
/// Attention of the pixels of a feature map to each other with channels first throughout: projections, scores and mixture are convolutions of width
/// one, the last two with one group a head of a sample. In float32 on the CPU these are oneDNN's, faster than the matrix products of <see cref="ScaledDotProduct"/>
/// (MKL, which does not use all of an AMD processor), and nothing is transposed. The same function up to rounding.
/// </summary>
internal static class PixelAttention
{
    private const long LeastPairs = 64 * 64, MostPairs = 1024 * 1024; // fewer: calls cost more than arithmetic; more: the table of weights would be kept for the gradient
    private const long Lane = 16; // channels that oneDNN works on at once

    /// <summary>Whether it is the faster one for feature maps like x.</summary>
    public static bool Suits(Tensor x, long heads)
    {
        var pixels = x.shape[2] * x.shape[3];
        return x.device_type == DeviceType.CPU && x.dtype == ScalarType.Float32 && Autocast.Instance?.IsOn(DeviceType.CPU) != true
            && pixels * pixels is >= LeastPairs and <= MostPairs && pixels % Lane == 0 && x.shape[1] % (heads * Lane) == 0;
    }

    // x: [batch, channels, height, width]
    public static Tensor Apply(Tensor x, Linear toQuery, Linear toKey, Linear toValue, Linear output, long heads)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width) = (x.shape[0], x.shape[2], x.shape[3]);
        var (groups, pixels) = (batch * heads, height * width);
        var inner = toQuery.weight!.shape[0];
        Tensor Project(Tensor t, Linear layer) => nn.functional.conv2d(t, layer.weight!.view(layer.weight.shape[0], -1, 1, 1), layer.bias);
        x = x.contiguous();
        // scores[j, i] = Σ_c key[c, j]·query[c, i], of pixel j for pixel i
        var keys = (Project(x, toKey) * (1 / Math.Sqrt((double)inner / heads))).view(batch * inner, pixels, 1, 1);
        var scores = nn.functional.conv_transpose2d(Project(x, toQuery).view(1, batch * inner, height, width), keys, groups: groups);
        var weights = nn.functional.softmax(scores.view(groups, pixels, pixels), 1).view(1, groups * pixels, height, width);
        var mixed = nn.functional.conv2d(weights, Project(x, toValue).view(batch * inner, pixels, 1, 1), groups: groups).view(batch, inner, height, width);
        return Project(mixed, output).MoveToOuterDisposeScope();
    }
}
