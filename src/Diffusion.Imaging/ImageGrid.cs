namespace Diffusion.Imaging;

/// <summary>Lays a batch of images out as one: a contact sheet.</summary>
public static class ImageGrid
{
    /// <summary>Images in rows, from left to right and top to bottom.</summary>
    /// <param name="images">[count, channels, height, width] in [−1, 1].</param>
    /// <param name="columns">Images a row; the rounded-up square root of the count if null.</param>
    /// <param name="padding">Pixels between and around images.</param>
    /// <param name="scale">Whole-number enlargement, so that small images can be seen.</param>
    /// <param name="background">The colour between images, in [−1, 1].</param>
    /// <param name="rowLabels">Text before each row; one a row.</param>
    /// <returns>[channels, height, width], a fresh tensor in the caller's scope, on the CPU.</returns>
    /// <exception cref="ArgumentException">The tensor is no batch of images, or there are not as many labels as rows.</exception>
    public static Tensor Make(Tensor images, int? columns = null, int padding = 2, int scale = 1, double background = 1, IReadOnlyList<string>? rowLabels = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.shape[0] < 1 || !images.is_floating_point())
            throw new ArgumentException($"images is {images.dtype} of shape [{string.Join(", ", images.shape)}]; floating [count, channels, height, width] is needed.", nameof(images));
        if (columns is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(columns));
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        if (!double.IsFinite(background)) throw new ArgumentOutOfRangeException(nameof(background), background, "The background must be a finite number in [−1, 1].");
        var count = (int)images.shape[0];
        var across = columns ?? (int)Math.Ceiling(Math.Sqrt(count));
        var down = (count + across - 1) / across;
        if (rowLabels is not null && rowLabels.Count != down) throw new ArgumentException($"There are {rowLabels.Count} labels for {down} rows.", nameof(rowLabels));

        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var pictures = images.detach().cpu();
        if (scale > 1) pictures = pictures.repeat_interleave(scale, 2).repeat_interleave(scale, 3);
        var (channels, height, width) = (pictures.shape[1], pictures.shape[2], pictures.shape[3]);
        var margin = rowLabels is null ? 0 : rowLabels.Max(label => PixelFont.Width(label)) + 2 * padding + 2;
        var sheet = full([channels, down * (height + padding) + padding, margin + across * (width + padding) + padding], background, pictures.dtype);
        for (var i = 0; i < count; i++)
        {
            var (row, column) = (i / across, i % across);
            sheet.narrow(1, padding + row * (height + padding), height).narrow(2, margin + padding + column * (width + padding), width).copy_(pictures[i]);
        }

        if (rowLabels is not null)
            for (var row = 0; row < down; row++)
                PixelFont.Draw(sheet, rowLabels[row], padding + 1, (int)(padding + row * (height + padding) + (height - PixelFont.Height) / 2), background > 0 ? -1 : 1);
        return sheet.MoveToOuterDisposeScope();
    }
}
