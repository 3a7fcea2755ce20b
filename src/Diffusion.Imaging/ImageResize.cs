namespace Diffusion.Imaging;

/// <summary>Brings images to one size.</summary>
public static class ImageResize
{
    /// <summary>
    /// Cuts the largest centred square out of an image and resizes it by bicubic interpolation. Made smaller, every pixel counts
    /// (antialiasing, as in Pillow), so that fine detail is averaged instead of turned into noise.
    /// </summary>
    /// <param name="image">[channels, height, width], floating, in [−1, 1].</param>
    /// <param name="size">The new height and width, at least 1.</param>
    /// <returns>[channels, size, size] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The tensor is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is below 1.</exception>
    public static Tensor CenterSquare(Tensor image, int size)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        if (image.dim() != 3 || image.numel() == 0 || !image.is_floating_point())
            throw new ArgumentException($"image is {image.dtype} of shape [{string.Join(", ", image.shape)}]; floating [channels, height, width] is needed.", nameof(image));
        using var scope = NewDisposeScope();
        var (height, width) = (image.shape[1], image.shape[2]);
        var side = Math.Min(height, width);
        var square = image.narrow(1, (height - side) / 2, side).narrow(2, (width - side) / 2, side);
        if (side == size) return square.clone().MoveToOuterDisposeScope();
        var resized = nn.functional.interpolate(square.unsqueeze(0), [size, size], null, InterpolationMode.Bicubic, false, false, antialias: true);
        return resized.squeeze(0).clamp(-1, 1).MoveToOuterDisposeScope(); // bicubic overshoots at edges
    }
}
