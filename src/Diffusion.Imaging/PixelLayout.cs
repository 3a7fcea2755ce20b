using System.Runtime.InteropServices;
using Diffusion.Data;

namespace Diffusion.Imaging;

/// <summary>Between the bytes of image files, pixel after pixel, and tensors, channel after channel.</summary>
internal static class PixelLayout
{
    /// <summary>A tensor [channels, height, width] in [−1, 1] of red, green, blue and opacity bytes.</summary>
    /// <param name="rgba">Four bytes a pixel, row by row; colours not multiplied with the opacity.</param>
    /// <param name="width">Pixels a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">4 for all; 3 for colour and 1 for grey (Rec. 601 luma), both over white.</param>
    public static Tensor FromRgba(ReadOnlySpan<byte> rgba, int width, int height, int channels)
    {
        TorchBackend.EnsureLoaded(); // the first tensor of an application may be an image
        var result = empty([channels, height, width], float32, CPU);
        var values = MemoryMarshal.Cast<byte, float>(result.bytes);
        var plane = width * height;
        for (var p = 0; p < plane; p++)
        {
            var pixel = rgba.Slice(4 * p, 4);
            if (channels == 4)
            {
                for (var c = 0; c < 4; c++) values[c * plane + p] = PixelScale.FromByte(pixel[c]);
                continue;
            }
            var (red, green, blue) = (OverWhite(pixel[0], pixel[3]), OverWhite(pixel[1], pixel[3]), OverWhite(pixel[2], pixel[3]));
            if (channels == 3)
            {
                values[p] = red;
                values[plane + p] = green;
                values[2 * plane + p] = blue;
            }
            // Grey stays exactly what it is: the three weights do not add up to one in floating point.
            else values[p] = red == green && green == blue ? red : 0.299f * red + 0.587f * green + 0.114f * blue;
        }
        return result;
    }

    /// <summary>Bytes of a tensor [channels, height, width], pixel after pixel.</summary>
    /// <exception cref="ArgumentException">A value is not a number.</exception>
    public static byte[] ToBytes(Tensor image, string name)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var values = MemoryMarshal.Cast<byte, float>(image.detach().to(float32, CPU).contiguous().bytes);
        var (channels, plane) = ((int)image.shape[0], (int)(image.shape[1] * image.shape[2]));
        var bytes = new byte[channels * plane];
        for (var c = 0; c < channels; c++)
        {
            for (var p = 0; p < plane; p++)
            {
                var value = values[c * plane + p];
                if (float.IsNaN(value)) throw new ArgumentException($"{name} holds NaN; a pixel must be a number.", name);
                bytes[p * channels + c] = PixelScale.ToByte(value);
            }
        }
        return bytes;
    }

    private static float OverWhite(byte colour, byte opacity) =>
        opacity == 255 ? PixelScale.FromByte(colour) : 1 + (PixelScale.FromByte(colour) - 1) * (opacity / 255f);
}
