using System.Buffers.Binary;

namespace Diffusion.Data;

/// <summary>
/// Grey images in IDX files, the format of MNIST and its family (Fashion-MNIST, KMNIST, EMNIST), plain or compressed with gzip.
/// Samples are float32 [1, height, width] in [−1, 1].
/// </summary>
/// <remarks>Plain files are read from the disk sample by sample; compressed ones are held unpacked in memory, a byte a pixel.</remarks>
public sealed class IdxDataSet : DataSet
{
    private const int ImageHeader = 16, LabelHeader = 8;
    private const long GreatestImage = 1 << 28; // pixels; a sample is at most 1 GiB

    private readonly RecordFile _images;
    private readonly byte[]? _labels;

    private IdxDataSet(RecordFile images, int[] sizes, byte[]? labels, IReadOnlyList<string>? classNames)
        : base(sizes[0], [1, sizes[1], sizes[2]], classNames) =>
        (_images, _labels) = (images, labels);

    /// <summary>Opens a file of images, and one of labels if there are classes. Sizes are checked before memory is taken.</summary>
    /// <param name="imagesPath">IDX file of unsigned bytes [count, height, width].</param>
    /// <param name="labelsPath">IDX file of unsigned bytes [count]; null where the data has no classes.</param>
    /// <param name="classNames">A name for each class; by default "0" … up to the largest label.</param>
    /// <exception cref="InvalidDataException">A file is empty, cut off, damaged or of another kind, or the two do not match.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static IdxDataSet Open(string imagesPath, string? labelsPath = null, IReadOnlyList<string>? classNames = null)
    {
        if (labelsPath is null && classNames is not null)
            throw new ArgumentException("There are class names but no file of labels.", nameof(classNames));
        int[] sizes = [];
        var images = RecordFile.Open(imagesPath, ImageHeader, header => Product(sizes = Sizes(header, imagesPath, "images", 3)) + ImageHeader);
        try
        {
            var labels = labelsPath is null ? null : ReadLabels(labelsPath, imagesPath, sizes[0]);
            return new IdxDataSet(images, sizes, labels, labels is null ? null : Names(labels, labelsPath!, classNames));
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        var pixels = new byte[SampleSize];
        for (var k = 0; k < indices.Length; k++)
        {
            _images.Read(ImageHeader + indices[k] * SampleSize, pixels);
            PixelScale.FromBytes(pixels, data.Slice(k * SampleSize, SampleSize));
            if (_labels is not null) labels[k] = _labels[indices[k]];
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _images.Dispose();
        base.Dispose(disposing);
    }

    private static byte[] ReadLabels(string path, string imagesPath, int imageCount)
    {
        using var file = RecordFile.Open(path, LabelHeader, header =>
        {
            var count = Sizes(header, path, "labels", 1)[0];
            if (count != imageCount)
                throw new InvalidDataException($"'{path}' has {count} labels, but '{imagesPath}' has {imageCount} images.");
            return (UInt128)(uint)count + LabelHeader;
        });
        var labels = new byte[imageCount];
        file.Read(LabelHeader, labels);
        return labels;
    }

    private static IReadOnlyList<string> Names(byte[] labels, string path, IReadOnlyList<string>? classNames)
    {
        if (classNames is null) return Numbered(labels.Max() + 1);
        for (var k = 0; k < labels.Length; k++)
            if (labels[k] >= classNames.Count)
                throw new InvalidDataException($"'{path}': label {k} is {labels[k]}, but there are names for {classNames.Count} classes.");
        return classNames;
    }

    /// <summary>Reads "0, 0, type, number of axes, then each size as a big-endian 32-bit number".</summary>
    private static int[] Sizes(byte[] header, string path, string what, int axes)
    {
        if (header[0] != 0 || header[1] != 0)
            throw new InvalidDataException($"'{path}' is no IDX file: it begins with {header[0]:X2} {header[1]:X2} instead of 00 00.");
        if (header[2] != 0x08)
            throw new InvalidDataException($"'{path}' holds numbers of IDX type {header[2]:X2}; {what} are unsigned bytes, type 08.");
        if (header[3] != axes)
            throw new InvalidDataException($"'{path}' has {header[3]} axes; a file of {what} has {axes}. Were images and labels exchanged?");
        var sizes = new int[axes];
        for (var axis = 0; axis < axes; axis++)
        {
            var size = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4 + 4 * axis));
            if (size == 0) throw new InvalidDataException($"'{path}' holds no {what}: its size along axis {axis} is 0.");
            if (size > int.MaxValue) throw new InvalidDataException($"'{path}' is damaged: its size along axis {axis} is {size}.");
            sizes[axis] = (int)size;
        }
        if (axes == 3 && (long)sizes[1] * sizes[2] > GreatestImage)
            throw new InvalidDataException($"'{path}' is damaged or too large: its images have {sizes[1]}×{sizes[2]} pixels; at most 2^28 are possible.");
        return sizes;
    }

    private static UInt128 Product(int[] sizes) => sizes.Aggregate((UInt128)1, (product, size) => product * (uint)size);
}
