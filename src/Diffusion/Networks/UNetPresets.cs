namespace Diffusion.Networks;

/// <summary>Sizes of U-Net for new models, so that a first training needs no choice of twenty settings.</summary>
public static class UNetPresets
{
    /// <summary>
    /// A U-Net for small square images: the width at full size, 1.5 times it at half and twice it below, one block a level, attention on the smallest
    /// level. Three levels, four from 64 pixels on. With the default width about a million parameters.
    /// </summary>
    /// <param name="channels">Colour channels, at least 1.</param>
    /// <param name="size">Height and width in pixels; a multiple of 4, from 64 on of 8.</param>
    /// <param name="classes">Number of classes; one row more is made for "no class". 0 for an unconditional network.</param>
    /// <param name="width">Channels at full size, a positive multiple of 16.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static UNetConfig ForImages(int channels, int size, int classes = 0, int width = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(classes);
        if (width < 16 || width % 16 != 0) throw new ArgumentOutOfRangeException(nameof(width), width, "The width must be a positive multiple of 16, so that normalisation groups fit every level.");
        var levels = size >= 64 ? 4 : 3;
        var multiple = 1 << (levels - 1);
        if (size < multiple || size % multiple != 0)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"This U-Net halves {levels - 1} times: height and width must be a positive multiple of {multiple}.");
        var widths = Enumerable.Range(0, levels).Select(level => level == 0 ? width : level == 1 ? width * 3 / 2 : 2 * width);
        var kinds = Enumerable.Range(0, levels).Select(level => level == levels - 1 ? UNetBlockType.Attention : UNetBlockType.Plain).ToArray();
        return new UNetConfig
        {
            SampleSize = (size, size),
            InChannels = channels,
            OutChannels = channels,
            BlockOutChannels = [.. widths],
            LayersPerBlock = 1,
            DownBlockTypes = [.. kinds],
            UpBlockTypes = [.. kinds.Reverse()],
            AttentionHeadDim = 32,
            NormNumGroups = 8,
            NumClassEmbeds = classes > 0 ? classes + 1 : null,
        };
    }
}
