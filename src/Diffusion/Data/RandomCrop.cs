using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>Cuts a window out of an image at a random place, after a border was added on every side.</summary>
public sealed class RandomCrop : DataTransform
{
    private readonly int _height;
    private readonly int _width;
    private readonly int _padding;
    private readonly float _fill;

    /// <summary>A crop to a size.</summary>
    /// <param name="height">Height of the window in pixels, at least 1.</param>
    /// <param name="width">Width of the window in pixels, at least 1.</param>
    /// <param name="padding">Width of the border in pixels; with 4 and the image's own size it shifts by up to 4 pixels. Default 0.</param>
    /// <param name="fill">Value of the border; −1 is black. Default −1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, the padding is negative or the fill is not finite.</exception>
    public RandomCrop(int height, int width, int padding = 0, double fill = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        if (!double.IsFinite(fill)) throw new ArgumentOutOfRangeException(nameof(fill), fill, "The border needs a finite value.");
        (_height, _width, _padding, _fill) = (height, width, padding, (float)fill);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long> OutputShape(IReadOnlyList<long> sampleShape)
    {
        var (channels, height, width) = ImageShape(sampleShape);
        if (_height > height + 2L * _padding || _width > width + 2L * _padding)
            throw new ArgumentException(
                $"A window of {_height}×{_width} does not fit into an image of {height}×{width} with a border of {_padding}.", nameof(sampleShape));
        return [channels, _height, _width];
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random)
    {
        var result = NewImages(data, random);
        var (channels, height, width) = ImageShape(data.shape[1..]);
        var source = MemoryMarshal.Cast<byte, float>(data.bytes);
        var target = MemoryMarshal.Cast<byte, float>(result.bytes);
        target.Fill(_fill);
        for (var k = 0; k < random.Length; k++)
        {
            // The window's corner in the image's own coordinates; negative within the border.
            var top = (int)random[k].NextInteger(height + 2L * _padding - _height + 1) - _padding;
            var left = (int)random[k].NextInteger(width + 2L * _padding - _width + 1) - _padding;
            var (from, to) = (Math.Max(left, 0), Math.Min(left + _width, width));
            if (from >= to) continue;
            for (var c = 0; c < channels; c++)
            {
                for (var y = Math.Max(top, 0); y < Math.Min(top + _height, height); y++)
                {
                    var row = source.Slice(((k * channels + c) * height + y) * width + from, to - from);
                    row.CopyTo(target[(((k * channels + c) * _height + y - top) * _width + from - left)..]);
                }
            }
        }
        return result;
    }
}
