using System.Runtime.InteropServices;
using Diffusion.Data;

namespace Diffusion.Imaging;

/// <summary>
/// A folder of PNG, JPEG and WebP files, one subfolder a class (or files straight in the folder for data without classes). Images are
/// read when asked for, the longer side cropped at the centre and resized with antialiasing, so the set may be larger than memory.
/// </summary>
public sealed class ImageFolderDataSet : DataSet
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];

    private readonly (string Path, int Label)[] _files;
    private readonly int _size;
    private readonly int _channels;

    private ImageFolderDataSet((string, int)[] files, string[]? classes, int size, int channels) : base(files.Length, [channels, size, size], classes) =>
        (_files, _size, _channels) = (files, size, channels);

    /// <summary>Lists the images of a folder. Files are taken in ordinal order of their names, the same on every machine.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="size">Height and width of a sample in pixels, at least 1.</param>
    /// <param name="channels">3 for colour, 1 for grey.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no image, or images both in it and in subfolders.</exception>
    public static ImageFolderDataSet Open(string folder, int size, int channels = 3)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (size is < 1 or > 8192) throw new ArgumentOutOfRangeException(nameof(size), size, "The size of a sample lies in 1 … 8192 pixels.");
        if (channels is not (1 or 3)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "A sample has 1 (grey) or 3 channels (colour).");
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"'{folder}': there is no such folder.");
        var loose = Images(folder);
        var classes = Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Select(path => (Name: Path.GetFileName(path), Files: Images(path))).Where(c => c.Files.Length > 0).ToArray();
        if (loose.Length == 0 && classes.Length == 0) throw new InvalidDataException($"'{folder}' holds no image: .png, .jpg, .jpeg or .webp files are needed, one subfolder a class.");
        if (loose.Length > 0 && classes.Length > 0)
            throw new InvalidDataException($"'{folder}' holds images itself and in subfolders, so their classes are unclear. Move '{Path.GetFileName(loose[0])}' and its like into a subfolder.");
        return classes.Length > 0
            ? new ImageFolderDataSet([.. classes.SelectMany((c, label) => c.Files.Select(file => (file, label)))], [.. classes.Select(c => c.Name)], size, channels)
            : new ImageFolderDataSet([.. loose.Select(file => (file, 0))], null, size, channels);
    }

    /// <summary>Crops the centre square of an image and resizes it with antialiasing.</summary>
    /// <param name="image">[channels, height, width].</param>
    /// <param name="size">The new height and width, at least 1.</param>
    /// <returns>[channels, size, size], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The tensor is no image.</exception>
    public static Tensor Resize(Tensor image, int size)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        if (image.dim() != 3 || image.numel() == 0 || !image.is_floating_point()) throw new ArgumentException($"image has shape [{string.Join(", ", image.shape)}]; a floating [channels, height, width] with pixels is needed.", nameof(image));
        using var scope = NewDisposeScope();
        var (height, width) = (image.shape[1], image.shape[2]);
        var side = Math.Min(height, width);
        var square = image.narrow(1, (height - side) / 2, side).narrow(2, (width - side) / 2, side);
        if (side == size) return square.clone().MoveToOuterDisposeScope();
        var resized = nn.functional.interpolate(square.unsqueeze(0), [size, size], null, InterpolationMode.Bicubic, false, false, antialias: true);
        return resized.squeeze(0).clamp(-1, 1).MoveToOuterDisposeScope(); // bicubic overshoots at edges
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        for (var i = 0; i < indices.Length; i++)
        {
            using var scope = NewDisposeScope();
            var (path, label) = _files[indices[i]];
            var sample = Resize(ImageFile.Read(path, _channels), _size).contiguous();
            MemoryMarshal.Cast<byte, float>(sample.bytes).CopyTo(data[(i * SampleSize)..]);
            if (!labels.IsEmpty) labels[i] = label;
        }
    }

    private static string[] Images(string folder) =>
        [.. Directory.GetFiles(folder).Where(file => Extensions.Contains(Path.GetExtension(file).ToLowerInvariant())).Order(StringComparer.Ordinal)];
}
