namespace Diffusion.Networks;

/// <summary>Sizes of U-Net for new models, so that a first training needs no choice of twenty settings.</summary>
public static class UNetPresets
{
    /// <summary>
    /// A U-Net for small square images: 1, 2, 3 and 4 times the width from full size down (1, 3 and 4 times where the size halves only twice), one
    /// block a level, attention on the smallest, the time scaling and shifting every block. Under a million parameters with the default width; narrow at
    /// full size, where arithmetic is dearest.
    /// </summary>
    /// <param name="channels">Colour channels, at least 1.</param>
    /// <param name="size">Height and width in pixels; a multiple of 4, better of 8.</param>
    /// <param name="classes">Number of classes; one row more is made for "no class". 0 for an unconditional network.</param>
    /// <param name="width">Channels at full size, a positive multiple of 8.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static UNetConfig ForImages(int channels, int size, int classes = 0, int width = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(classes);
        if (width < 8 || width % 8 != 0) throw new ArgumentOutOfRangeException(nameof(width), width, "The width must be a positive multiple of 8, so that normalisation groups fit every level.");
        if (size < 4 || size % 4 != 0) throw new ArgumentOutOfRangeException(nameof(size), size, "This U-Net halves at least twice: height and width must be a positive multiple of 4.");
        int[] multiples = size % 8 == 0 ? [1, 2, 3, 4] : [1, 3, 4];
        var kinds = Array.ConvertAll(multiples, multiple => multiple == 4 ? UNetBlockType.Attention : UNetBlockType.Plain);
        return new UNetConfig
        {
            SampleSize = (size, size),
            InChannels = channels,
            OutChannels = channels,
            BlockOutChannels = [.. multiples.Select(multiple => multiple * width)],
            LayersPerBlock = 1,
            DownBlockTypes = [.. kinds],
            UpBlockTypes = [.. kinds.Reverse()],
            AttentionHeadDim = 32,
            NormNumGroups = 8,
            ResnetTimeScaleShift = ResnetTimeScaleShift.ScaleShift,
            NumClassEmbeds = classes > 0 ? classes + 1 : null,
        };
    }
}
