namespace Diffusion.Pipelines;

/// <summary>How many pixels an image grows by on each side; negative numbers cut off.</summary>
/// <param name="Top">Above.</param>
/// <param name="Bottom">Below.</param>
/// <param name="Left">On the left.</param>
/// <param name="Right">On the right.</param>
public readonly record struct Margins(int Top = 0, int Bottom = 0, int Left = 0, int Right = 0)
{
    /// <summary>The images on their new canvas, zeros around them, and where they lie.</summary>
    /// <param name="images">[batch, channels, height, width], floating; borrowed.</param>
    /// <returns>The canvas, and bool [1, 1, height, width], true where it holds the images; fresh.</returns>
    /// <exception cref="ArgumentException">The tensor holds no images, or nothing is left of them.</exception>
    public (Tensor Canvas, Tensor Known) Extend(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.numel() == 0 || !images.is_floating_point())
            throw new ArgumentException($"The images are {images.dtype} of shape [{string.Join(", ", images.shape)}]; floating [batch, channels, height, width] is needed.", nameof(images));
        var (height, width) = (images.shape[2], images.shape[3]);
        if (height + Math.Min(Top, 0L) + Math.Min(Bottom, 0L) < 1 || width + Math.Min(Left, 0L) + Math.Min(Right, 0L) < 1 || Math.Max(Math.Max(Top, Bottom), Math.Max(Left, Right)) > 1 << 16)
            throw new ArgumentException($"Margins of {Top}, {Bottom}, {Left} and {Right} pixels leave nothing of images of {height} × {width}, or are too large.", nameof(images));
        using var scope = NewDisposeScope();
        long[] pads = [Left, Right, Top, Bottom];
        var canvas = nn.functional.pad(images, pads).contiguous();
        var known = nn.functional.pad(ones([1, 1, height, width], device: images.device), pads).gt(0.5);
        return (canvas.MoveToOuterDisposeScope(), known.MoveToOuterDisposeScope());
    }
}
