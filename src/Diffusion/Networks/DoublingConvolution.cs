namespace Diffusion.Networks;

/// <summary>
/// Nearest-neighbour doubling followed by a 3×3 convolution, as one transposed convolution of stride 2. Doubled pixels are equal, so taps that
/// meet the same pixel are added first: 4 products a result instead of 9, and no doubled image. The same function up to rounding.
/// </summary>
internal static class DoublingConvolution
{
    // Below, making the kernel costs more than it saves (measured on the CPU with 128 to 256 channels).
    private const long LeastPixels = 384;

    /// <summary>Whether it is the faster way: on the CPU, for enough pixels. On a GPU it has not been measured.</summary>
    public static bool Pays(Tensor x) => x.device_type == DeviceType.CPU && x.shape[0] * x.shape[2] * x.shape[3] >= LeastPixels;

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="weight">Of the 3×3 convolution with one pixel of zeros around, [out, channels, 3, 3].</param>
    /// <param name="bias">[out], or null.</param>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias) // → [batch, out, 2·height, 2·width]
    {
        using var scope = NewDisposeScope();
        return nn.functional.conv_transpose2d(x, Kernel(weight), bias, strides: [2, 2], padding: [1, 1]).MoveToOuterDisposeScope();
    }

    // In one dimension tap i of the convolution, turned round, is met by taps 2 − i and 3 − i of the transposed one: a linear map of 9 taps to 16.
    private static Tensor Kernel(Tensor weight) // → [channels, out, 4, 4]
    {
        var (outChannels, channels) = (weight.shape[0], weight.shape[1]);
        var line = new float[3, 4];
        for (var i = 0; i < 3; i++) line[i, 2 - i] = line[i, 3 - i] = 1;
        var map = new float[9 * 16];
        for (var i = 0; i < 9; i++)
            for (var j = 0; j < 16; j++) map[i * 16 + j] = line[i / 3, j / 4] * line[i % 3, j % 4];
        var spread = tensor(map, [9, 16]).to(weight.dtype);
        return mm(weight.transpose(0, 1).reshape(channels * outChannels, 9), spread).view(channels, outChannels, 4, 4);
    }
}
