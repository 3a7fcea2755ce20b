namespace Diffusion.Imaging;

/// <summary>Lays a batch of images out as one: a contact sheet.</summary>
public static class ImageGrid
{
    private const float LabelSize = 9; // height of capitals in pixels

    /// <summary>Images in rows, from left to right and top to bottom.</summary>
    /// <param name="images">[count, channels, height, width] in [−1, 1].</param>
    /// <param name="columns">Images a row; the rounded-up square root of the count if null.</param>
    /// <param name="padding">Pixels between and around images.</param>
    /// <param name="scale">Whole-number enlargement, so that small images can be seen.</param>
    /// <param name="background">The colour between images, in [−1, 1].</param>
    /// <param name="rowLabels">Text before each row; one a row.</param>
    /// <param name="columnLabels">Text above each column; one a column.</param>
    /// <returns>[channels, height, width], a fresh tensor in the caller's scope, on the CPU.</returns>
    /// <exception cref="ArgumentException">The tensor is no batch of images, or there are not as many labels as rows or columns.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Tensor Make(
        Tensor images, int? columns = null, int padding = 2, int scale = 1, double background = 1,
        IReadOnlyList<string>? rowLabels = null, IReadOnlyList<string>? columnLabels = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.numel() == 0 || !images.is_floating_point())
            throw new ArgumentException($"images is {images.dtype} of shape [{string.Join(", ", images.shape)}]; floating [count, channels, height, width] is needed.", nameof(images));
        if (columns is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(columns));
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        if (!double.IsFinite(background)) throw new ArgumentOutOfRangeException(nameof(background), background, "The background must be a finite number in [−1, 1].");
        var count = (int)images.shape[0];
        var across = columns ?? (int)Math.Ceiling(Math.Sqrt(count));
        var down = (count + across - 1) / across;
        if (rowLabels is not null && rowLabels.Count != down) throw new ArgumentException($"There are {rowLabels.Count} labels for {down} rows.", nameof(rowLabels));
        if (columnLabels is not null && columnLabels.Count != across)
            throw new ArgumentException($"There are {columnLabels.Count} labels for {across} columns.", nameof(columnLabels));
        if (rowLabels?.Contains(null!) == true) throw new ArgumentException("A label is null; an empty text is none.", nameof(rowLabels));
        if (columnLabels?.Contains(null!) == true) throw new ArgumentException("A label is null; an empty text is none.", nameof(columnLabels));

        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var pictures = images.detach().cpu();
        if (scale > 1) pictures = pictures.repeat_interleave(scale, 2).repeat_interleave(scale, 3);
        var (channels, height, width) = ((int)pictures.shape[1], (int)pictures.shape[2], (int)pictures.shape[3]);
        var left = rowLabels is null ? padding : 2 * padding + 6 + (int)Math.Ceiling(rowLabels.Max(label => StrokeFont.Width(label, LabelSize)));
        var top = columnLabels is null ? padding : 2 * padding + (int)(2 * LabelSize);
        var sheet = full([channels, top + down * (height + padding), left + across * (width + padding)], background, pictures.dtype);
        for (var i = 0; i < count; i++)
        {
            var (row, column) = (i / across, i % across);
            sheet.narrow(1, top + row * (height + padding), height).narrow(2, left + column * (width + padding), width).copy_(pictures[i]);
        }

        var ink = background > 0 ? -0.8 : 0.9;
        for (var row = 0; row < (rowLabels?.Count ?? 0); row++)
            StrokeFont.Draw(sheet, rowLabels![row], padding + 3, top + row * (height + padding) + height / 2f, LabelSize, ink);
        for (var column = 0; column < (columnLabels?.Count ?? 0); column++)
        {
            var middle = left + column * (width + padding) + width / 2f;
            StrokeFont.Draw(sheet, columnLabels![column], middle - StrokeFont.Width(columnLabels[column], LabelSize) / 2, padding + LabelSize, LabelSize, ink);
        }
        return sheet.MoveToOuterDisposeScope();
    }
}
