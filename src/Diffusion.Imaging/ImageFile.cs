using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>
/// Image files and tensors: [channels, height, width] in float32, −1 black and 1 white. Reads and writes PNG, JPEG and WebP. A file is
/// written whole or not at all.
/// </summary>
public static class ImageFile
{
    /// <summary>The most pixels that are decoded; larger images are refused before memory is taken. 100 million.</summary>
    public const long MaxPixels = 100_000_000;

    /// <summary>Reads an image file.</summary>
    /// <param name="path">A PNG, JPEG or WebP file.</param>
    /// <param name="channels">3 for colour, 1 for grey (Rec. 601 luma), 4 for colour and opacity. Without opacity, images lie on white.</param>
    /// <returns>[channels, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="InvalidDataException">The file is empty, damaged, cut off, too large or of another format; the message names it.</exception>
    public static Tensor Read(string path, int channels = 3)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckChannels(channels);
        return Decode(File.ReadAllBytes(path), channels, path);
    }

    /// <summary>Decodes an image in memory.</summary>
    /// <param name="bytes">The content of a PNG, JPEG or WebP file.</param>
    /// <param name="channels">3 for colour, 1 for grey, 4 for colour and opacity.</param>
    /// <param name="name">What to call the image in messages.</param>
    /// <inheritdoc cref="Read" path="/returns|/exception"/>
    public static Tensor Decode(ReadOnlySpan<byte> bytes, int channels = 3, string name = "image")
    {
        CheckChannels(channels);
        var (width, height) = ImageHeader.Read(bytes, name);
        if (width < 1 || height < 1) throw ImageHeader.Fault(name, $"claims to be {width} × {height} pixels");
        if ((long)width * height > MaxPixels) throw ImageHeader.Fault(name, $"has {width} × {height} pixels; at most {MaxPixels:N0} are decoded");
        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data) ?? throw ImageHeader.Fault(name, "is damaged: its header cannot be decoded");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (info.Width != width || info.Height != height) throw ImageHeader.Fault(name, $"is damaged: its header says {width} × {height}, the decoder {info.Width} × {info.Height}");
        var pixels = new byte[info.BytesSize];
        unsafe
        {
            fixed (byte* target = pixels)
            {
                var result = codec.GetPixels(info, (IntPtr)target);
                if (result != SKCodecResult.Success) throw ImageHeader.Fault(name, result == SKCodecResult.IncompleteInput ? "is cut off" : $"is damaged ({result})");
            }
        }

        return FromRgba(pixels, info.Width, info.Height, channels);
    }

    /// <summary>Writes an image file in the format of its extension: .png, .jpg, .jpeg or .webp.</summary>
    /// <param name="image">[1, 3 or 4 channels, height, width], floating; values outside [−1, 1] are clipped.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="quality">Of JPEG and WebP, 1 … 100; WebP is lossless at 100.</param>
    /// <exception cref="ArgumentException">The tensor is no image, holds NaN, or the extension is another.</exception>
    public static void Write(Tensor image, string path, int quality = 95)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        AtomicWrite.To(path, Encode(image, FormatOf(path), quality));
    }

    /// <summary>Encodes an image in memory.</summary>
    /// <param name="image">[1, 3 or 4 channels, height, width], floating; values outside [−1, 1] are clipped.</param>
    /// <param name="format">The file format.</param>
    /// <param name="quality">Of JPEG and WebP, 1 … 100; WebP is lossless at 100.</param>
    /// <exception cref="ArgumentException">The tensor is no image or holds NaN.</exception>
    public static byte[] Encode(Tensor image, ImageFormat format, int quality = 95)
    {
        if (quality is < 1 or > 100) throw new ArgumentOutOfRangeException(nameof(quality), quality, "The quality lies in 1 … 100.");
        using var bitmap = ToBitmap(image);
        using var encoded = format switch
        {
            ImageFormat.Png => bitmap.Encode(SKEncodedImageFormat.Png, 100),
            ImageFormat.Jpeg => bitmap.Encode(SKEncodedImageFormat.Jpeg, quality),
            ImageFormat.WebP => bitmap.Encode(SKEncodedImageFormat.Webp, quality),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such image format."),
        };
        return encoded?.ToArray() ?? throw new InvalidOperationException($"The image of {bitmap.Width} × {bitmap.Height} pixels could not be encoded as {format}.");
    }

    internal static SKBitmap ToBitmap(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() != 3 || image.shape[0] is not (1 or 3 or 4) || image.shape[1] < 1 || image.shape[2] < 1 || !image.is_floating_point())
            throw new ArgumentException($"image is {image.dtype} of shape [{string.Join(", ", image.shape)}]; a floating tensor [1, 3 or 4, height, width] in [−1, 1] is needed.", nameof(image));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var values = image.detach().to(float32, CPU);
        if (values.isnan().any().item<bool>()) throw new ArgumentException("image holds NaN; a pixel must be a number.", nameof(image));
        var levels = values.mul(127.5).add_(127.5).round_().clamp_(0, 255).to(uint8);
        var rgb = levels.shape[0] == 1 ? levels.expand(3, levels.shape[1], levels.shape[2]) : levels;
        var rgba = rgb.shape[0] == 4 ? rgb : cat([rgb, full(1, rgb.shape[1], rgb.shape[2], 255, uint8)], 0);
        var pixels = rgba.permute(1, 2, 0).contiguous().bytes;
        var bitmap = new SKBitmap(new SKImageInfo((int)image.shape[2], (int)image.shape[1], SKColorType.Rgba8888, SKAlphaType.Unpremul));
        pixels.CopyTo(bitmap.GetPixelSpan());
        return bitmap;
    }

    private static ImageFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".PNG" => ImageFormat.Png,
        ".JPG" or ".JPEG" => ImageFormat.Jpeg,
        ".WEBP" => ImageFormat.WebP,
        var other => throw new ArgumentException($"'{path}' has the extension '{other}'; .png, .jpg, .jpeg or .webp is needed.", nameof(path)),
    };

    private static Tensor FromRgba(byte[] pixels, int width, int height, int channels)
    {
        using var scope = NewDisposeScope();
        var rgba = tensor(pixels, uint8).view(height, width, 4).permute(2, 0, 1).to(float32);
        if (channels == 4) return rgba.div(127.5).sub_(1).MoveToOuterDisposeScope();
        var opacity = rgba[3].div(255);
        var rgb = rgba.narrow(0, 0, 3).mul(opacity).add_(opacity.neg().add_(1).mul_(255)); // over white
        if (channels == 1) rgb = (rgb[0] * 0.299 + rgb[1] * 0.587 + rgb[2] * 0.114).unsqueeze(0);
        return rgb.div(127.5).sub_(1).clamp_(-1, 1).MoveToOuterDisposeScope();
    }

    private static void CheckChannels(int channels)
    {
        if (channels is not (1 or 3 or 4)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1 (grey), 3 (colour) or 4 channels (with opacity).");
    }
}
