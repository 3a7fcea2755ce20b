using Diffusion.Checkpoints;
using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>
/// Image files and tensors: [channels, height, width] in float32, −1 black and 1 white. Reads and writes PNG, JPEG and WebP. A file is
/// written whole or not at all.
/// </summary>
/// <remarks>
/// Colours are the numbers in the file: colour profiles are not applied, as is the custom with training data. Images that a camera stored
/// sideways are turned upright. Of an animation the first frame is read.
/// </remarks>
public static class ImageFile
{
    /// <summary>
    /// The most pixels that are decoded, 100 million; a caller may allow fewer. Larger images are refused before memory is taken: one takes 4 bytes a pixel,
    /// and 4 bytes for each channel of the tensor.
    /// </summary>
    public const long MaxPixels = 100_000_000;

    private const long MaxFileSize = 1 << 30;

    /// <summary>Reads an image file.</summary>
    /// <param name="path">A PNG, JPEG or WebP file of at most 1 GiB.</param>
    /// <param name="channels">3 for colour, 1 for grey (Rec. 601 luma), 4 for colour and opacity. Without opacity, images lie on white.</param>
    /// <param name="maxPixels">Images of more pixels are refused, 1 … <see cref="MaxPixels"/>. Set it where files come from strangers: a small file may hold a large, flat picture.</param>
    /// <returns>[channels, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="InvalidDataException">The file is empty, damaged, cut off, too large or of another format; the message names it.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static Tensor Read(string path, int channels = 3, long maxPixels = MaxPixels)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckChannels(channels);
        CheckMaxPixels(maxPixels);
        var length = new FileInfo(path).Length;
        if (length > MaxFileSize) throw ImageHeader.Fault(path, $"has {length:N0} bytes; image files of at most {MaxFileSize:N0} are read");
        return Decode(File.ReadAllBytes(path), channels, path, maxPixels);
    }

    /// <summary>Decodes an image in memory.</summary>
    /// <param name="bytes">The content of a PNG, JPEG or WebP file.</param>
    /// <param name="channels">3 for colour, 1 for grey (Rec. 601 luma), 4 for colour and opacity. Without opacity, images lie on white.</param>
    /// <param name="name">What to call the image in messages.</param>
    /// <param name="maxPixels">Images of more pixels are refused, 1 … <see cref="MaxPixels"/>.</param>
    /// <returns>[channels, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="InvalidDataException">The image is empty, damaged, cut off, too large or of another format; the message names it.</exception>
    public static Tensor Decode(ReadOnlySpan<byte> bytes, int channels = 3, string name = "image", long maxPixels = MaxPixels)
    {
        CheckChannels(channels);
        CheckMaxPixels(maxPixels);
        ArgumentNullException.ThrowIfNull(name);
        var (width, height) = ImageHeader.Read(bytes, name);
        if (width < 1 || height < 1) throw ImageHeader.Fault(name, $"claims to be {width} × {height} pixels");
        if ((long)width * height > maxPixels) throw ImageHeader.Fault(name, $"has {width} × {height} pixels; at most {maxPixels:N0} are decoded");
        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data) ?? throw ImageHeader.Fault(name, "is damaged: its header cannot be decoded");
        // No colour space: the decoder converts nothing.
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (info.Width != width || info.Height != height)
            throw ImageHeader.Fault(name, $"is damaged: its header says {width} × {height} pixels, its content {info.Width} × {info.Height}");
        var pixels = new byte[info.BytesSize];
        unsafe
        {
            fixed (byte* target = pixels)
            {
                var result = codec.GetPixels(info, (IntPtr)target);
                if (result != SKCodecResult.Success)
                    throw ImageHeader.Fault(name, result == SKCodecResult.IncompleteInput ? "is cut off or damaged" : $"is damaged ({result})");
            }
        }

        using var scope = NewDisposeScope();
        return Upright(PixelLayout.FromRgba(pixels, info.Width, info.Height, channels), codec.EncodedOrigin).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Writes an image file in the format of its extension: .png, .jpg, .jpeg or .webp.</summary>
    /// <param name="image">[1, 3 or 4 channels, height, width], floating; values outside [−1, 1] are clipped.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="quality">Of JPEG and WebP, 1 … 100; WebP is lossless at 100.</param>
    /// <exception cref="ArgumentException">The tensor is no image, holds NaN or does not fit the format, or the extension is another.</exception>
    public static void Write(Tensor image, string path, int quality = 95)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = Encode(image, FormatOf(path), quality);
        AtomicFile.Write(path, stream => stream.Write(content));
    }

    /// <summary>Encodes an image in memory.</summary>
    /// <param name="image">[1, 3 or 4 channels, height, width], floating; values outside [−1, 1] are clipped.</param>
    /// <param name="format">The file format. JPEG has no opacity: it takes 1 or 3 channels.</param>
    /// <param name="quality">Of JPEG and WebP, 1 … 100; WebP is lossless at 100, except for the colour of pixels that are wholly transparent.</param>
    /// <exception cref="ArgumentException">The tensor is no image, holds NaN, or does not fit the format.</exception>
    public static byte[] Encode(Tensor image, ImageFormat format, int quality = 95)
    {
        if (quality is < 1 or > 100) throw new ArgumentOutOfRangeException(nameof(quality), quality, "The quality lies in 1 … 100.");
        var encoded = format switch
        {
            ImageFormat.Png => SKEncodedImageFormat.Png,
            ImageFormat.Jpeg => SKEncodedImageFormat.Jpeg,
            ImageFormat.WebP => SKEncodedImageFormat.Webp,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such image format."),
        };
        CheckImage(image, nameof(image));
        var longest = Math.Max(image.shape[1], image.shape[2]);
        var limit = format switch { ImageFormat.WebP => 16_383, ImageFormat.Jpeg => 65_500, _ => 1_000_000 };
        if (longest > limit || image.shape[1] * image.shape[2] > MaxPixels)
            throw new ArgumentException($"image has {image.shape[1]} × {image.shape[2]} pixels; {format} takes at most {limit:N0} along a side, {MaxPixels:N0} in all.", nameof(image));
        if (format == ImageFormat.Jpeg && image.shape[0] == 4)
            throw new ArgumentException("image has 4 channels, but JPEG has no opacity: give 1 or 3, or use PNG or WebP.", nameof(image));
        using var bitmap = ToBitmap(image, nameof(image));
        using var content = bitmap.Encode(encoded, quality)
            ?? throw new InvalidOperationException($"The image of {bitmap.Height} × {bitmap.Width} pixels could not be encoded as {format}.");
        return content.ToArray();
    }

    /// <summary>A bitmap of a checked image; the caller disposes it.</summary>
    internal static SKBitmap ToBitmap(Tensor image, string name)
    {
        var (channels, height, width) = ((int)image.shape[0], (int)image.shape[1], (int)image.shape[2]);
        var levels = PixelLayout.ToBytes(image, name);
        var alpha = channels == 4 ? SKAlphaType.Unpremul : SKAlphaType.Opaque;
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, alpha));
        var pixels = bitmap.GetPixelSpan();
        for (var p = 0; p < width * height; p++)
        {
            var pixel = pixels.Slice(4 * p, 4);
            for (var c = 0; c < 3; c++) pixel[c] = levels[p * channels + (channels == 1 ? 0 : c)];
            pixel[3] = channels == 4 ? levels[p * channels + 3] : (byte)255;
        }
        return bitmap;
    }

    internal static void CheckImage(Tensor image, string name)
    {
        ArgumentNullException.ThrowIfNull(image, name);
        if (image.dim() != 3 || image.shape[0] is not (1 or 3 or 4) || image.numel() == 0 || !image.is_floating_point())
            throw new ArgumentException($"{name} is {image.dtype} of shape [{string.Join(", ", image.shape)}]; a floating tensor [1, 3 or 4, height, width] in [−1, 1] is needed.", name);
    }

    private static ImageFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".PNG" => ImageFormat.Png,
        ".JPG" or ".JPEG" => ImageFormat.Jpeg,
        ".WEBP" => ImageFormat.WebP,
        var other => throw new ArgumentException($"'{path}' has the extension '{other}'; .png, .jpg, .jpeg or .webp is needed.", nameof(path)),
    };

    /// <summary>Turns an image as its camera was held (the orientation of EXIF: where the first row and column of the file lie).</summary>
    private static Tensor Upright(Tensor image, SKEncodedOrigin origin) => origin switch
    {
        SKEncodedOrigin.TopRight => image.flip(2),
        SKEncodedOrigin.BottomRight => image.flip(1, 2),
        SKEncodedOrigin.BottomLeft => image.flip(1),
        SKEncodedOrigin.LeftTop => image.transpose(1, 2),
        SKEncodedOrigin.RightTop => image.transpose(1, 2).flip(2),
        SKEncodedOrigin.RightBottom => image.transpose(1, 2).flip(1, 2),
        SKEncodedOrigin.LeftBottom => image.transpose(1, 2).flip(1),
        _ => image,
    };

    internal static void CheckMaxPixels(long maxPixels)
    {
        if (maxPixels is < 1 or > MaxPixels) throw new ArgumentOutOfRangeException(nameof(maxPixels), maxPixels, $"The most pixels that are decoded lie in 1 … {MaxPixels:N0}.");
    }

    private static void CheckChannels(int channels)
    {
        if (channels is not (1 or 3 or 4)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1 (grey), 3 (colour) or 4 channels (with opacity).");
    }
}
