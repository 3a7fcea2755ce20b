using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>Turns, scales and shifts an image at random about its centre, with bilinear interpolation.</summary>
public sealed class RandomAffine : DataTransform
{
    private readonly double _rotation;
    private readonly double _translation;
    private readonly double _scale;
    private readonly float _fill;

    /// <summary>The largest changes.</summary>
    /// <param name="rotation">Largest angle in radians, to either side.</param>
    /// <param name="translation">Largest shift in pixels along each axis, to either side.</param>
    /// <param name="scale">Largest factor of the size, at least 1; the factor lies between its inverse and it, evenly in its logarithm.</param>
    /// <param name="fill">Value of what lies outside the image; −1 is black. Default −1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is negative or not finite, or the scale is below 1.</exception>
    public RandomAffine(double rotation = 0, double translation = 0, double scale = 1, double fill = -1)
    {
        Check(rotation, 0, nameof(rotation));
        Check(translation, 0, nameof(translation));
        Check(scale, 1, nameof(scale));
        Check(fill, double.NegativeInfinity, nameof(fill));
        (_rotation, _translation, _scale, _fill) = (rotation, translation, scale, (float)fill);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long> OutputShape(IReadOnlyList<long> sampleShape)
    {
        ImageShape(sampleShape);
        return sampleShape;
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random)
    {
        var result = NewImages(data, random);
        var (channels, height, width) = ImageShape(data.shape[1..]);
        var source = MemoryMarshal.Cast<byte, float>(data.bytes);
        var target = MemoryMarshal.Cast<byte, float>(result.bytes);
        var plane = height * width;
        for (var k = 0; k < random.Length; k++)
        {
            var angle = random[k].NextDouble(-_rotation, _rotation);
            var zoom = Math.Exp(random[k].NextDouble(-1, 1) * Math.Log(_scale));
            var (shiftX, shiftY) = (random[k].NextDouble(-_translation, _translation), random[k].NextDouble(-_translation, _translation));
            // Each pixel asks where it came from, so the inverse of the change is applied.
            var (cos, sin) = ((float)(Math.Cos(angle) / zoom), (float)(Math.Sin(angle) / zoom));
            var (centerX, centerY) = ((width - 1) / 2f, (height - 1) / 2f);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var (dx, dy) = (x - centerX - (float)shiftX, y - centerY - (float)shiftY);
                    var (fromX, fromY) = (cos * dx + sin * dy + centerX, cos * dy - sin * dx + centerY);
                    for (var c = 0; c < channels; c++)
                    {
                        var image = source.Slice((k * channels + c) * plane, plane);
                        target[(k * channels + c) * plane + y * width + x] = Bilinear(image, height, width, fromX, fromY);
                    }
                }
            }
        }
        return result;
    }

    private float Bilinear(ReadOnlySpan<float> image, int height, int width, float x, float y)
    {
        var (left, top) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
        var (right, bottom) = (x - left, y - top); // weights of the neighbours to the right and below
        return (1 - bottom) * ((1 - right) * At(image, height, width, left, top) + right * At(image, height, width, left + 1, top))
            + bottom * ((1 - right) * At(image, height, width, left, top + 1) + right * At(image, height, width, left + 1, top + 1));
    }

    private float At(ReadOnlySpan<float> image, int height, int width, int x, int y) =>
        (uint)x < (uint)width && (uint)y < (uint)height ? image[y * width + x] : _fill;

    private static void Check(double value, double least, string name)
    {
        if (!double.IsFinite(value) || value < least)
            throw new ArgumentOutOfRangeException(name, value, $"A finite number{(least < 0 ? "" : $" of at least {least}")} is needed.");
    }
}
