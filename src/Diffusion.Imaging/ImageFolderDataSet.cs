using System.Runtime.InteropServices;
using Diffusion.Data;

namespace Diffusion.Imaging;

/// <summary>
/// A folder of PNG, JPEG and WebP files: one subfolder a class, or files straight in the folder for data without classes. Images are
/// read when they are asked for, cropped to their centre square and resized with antialiasing, so the set may be larger than memory.
/// </summary>
/// <remarks>
/// Classes are numbered in the ordinal order of their folders' names, and files taken in the ordinal order of their paths: the same on every
/// machine. Hidden files and folders, and files with other extensions, are passed over.
/// </remarks>
public sealed class ImageFolderDataSet : DataSet
{
    private static readonly string[] Extensions = [".PNG", ".JPG", ".JPEG", ".WEBP"];

    private readonly (string Path, int Label)[] _files;
    private readonly int _size;
    private readonly int _channels;
    private readonly long _maxPixels;

    private ImageFolderDataSet((string, int)[] files, string[]? classes, int size, int channels, long maxPixels)
        : base(files.Length, [channels, size, size], classes) => (_files, _size, _channels, _maxPixels) = (files, size, channels, maxPixels);

    /// <summary>Lists the images of a folder; none is opened before it is asked for.</summary>
    /// <param name="folder">The folder. The images of a class may lie in folders within its own.</param>
    /// <param name="size">Height and width of a sample in pixels, 1 to 8192.</param>
    /// <param name="channels">3 for colour, 1 for grey.</param>
    /// <param name="maxPixels">Files of more pixels are refused when they are read, 1 … <see cref="ImageFile.MaxPixels"/>.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There are no images, a class has none, or images lie both in the folder and in subfolders.</exception>
    public static ImageFolderDataSet Open(string folder, int size, int channels = 3, long maxPixels = ImageFile.MaxPixels)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (size is < 1 or > 8192) throw new ArgumentOutOfRangeException(nameof(size), size, "The size of a sample lies in 1 … 8192 pixels.");
        if (channels is not (1 or 3)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "A sample has 1 (grey) or 3 channels (colour).");
        ImageFile.CheckMaxPixels(maxPixels);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"'{folder}': there is no such folder.");
        var loose = Images(folder, recurse: false);
        var classes = Directory.GetDirectories(folder, "*", new EnumerationOptions { IgnoreInaccessible = false }).Order(StringComparer.Ordinal)
            .Select(path => (Name: Path.GetFileName(path), Files: Images(path, recurse: true))).ToArray();
        if (loose.Length > 0 && classes.Any(c => c.Files.Length > 0))
            throw new InvalidDataException(
                $"'{folder}' holds images itself and in subfolders, so their classes are unclear. Move '{Path.GetFileName(loose[0])}' and its like into a subfolder.");
        if (loose.Length > 0) return new ImageFolderDataSet([.. loose.Select(file => (file, 0))], null, size, channels, maxPixels);
        if (classes.All(c => c.Files.Length == 0))
            throw new InvalidDataException($"'{folder}' holds no image: .png, .jpg, .jpeg or .webp files are needed, one subfolder a class.");
        if (classes.FirstOrDefault(c => c.Files.Length == 0) is { Name: { } empty })
            throw new InvalidDataException($"'{Path.Combine(folder, empty)}' holds no image, but each subfolder is a class. Fill it or remove it.");
        return new ImageFolderDataSet(
            [.. classes.SelectMany((c, label) => c.Files.Select(file => (file, label)))], [.. classes.Select(c => c.Name)], size, channels, maxPixels);
    }

    /// <summary>The file of a sample.</summary>
    /// <param name="index">In [0, <see cref="DataSet.Count"/>).</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sample.</exception>
    public string PathOf(long index)
    {
        if ((ulong)index >= (ulong)Count) throw new ArgumentOutOfRangeException(nameof(index), index, $"The set has samples 0 to {Count - 1}.");
        return _files[index].Path;
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        for (var i = 0; i < indices.Length; i++)
        {
            using var scope = NewDisposeScope();
            var (path, label) = _files[indices[i]];
            var sample = ImageResize.CenterSquare(ImageFile.Read(path, _channels, _maxPixels), _size).contiguous();
            MemoryMarshal.Cast<byte, float>(sample.bytes).CopyTo(data[(i * SampleSize)..]);
            if (!labels.IsEmpty) labels[i] = label;
        }
    }

    private static string[] Images(string folder, bool recurse) =>
        [.. Directory.GetFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = recurse, MaxRecursionDepth = 16, IgnoreInaccessible = false })
            .Where(file => Extensions.Contains(Path.GetExtension(file).ToUpperInvariant())).Order(StringComparer.Ordinal)];
}
