namespace Diffusion.Data;

/// <summary>
/// CIFAR-10 in its binary version (Krizhevsky 2009): files of records of 3073 bytes, a label and 3×32×32 pixels. Samples are float32
/// [3, 32, 32] in [−1, 1] of ten classes. Images are read from the disk as they are asked for.
/// </summary>
public sealed class Cifar10DataSet : DataSet
{
    private const int ImageSize = 3 * 32 * 32, RecordSize = 1 + ImageSize;

    private readonly RecordFile[] _files;
    private readonly long[] _firstIndex; // of each file, and the count at the end
    private readonly byte[] _labels;

    private Cifar10DataSet(RecordFile[] files, long[] firstIndex, byte[] labels)
        : base(labels.Length, [3, 32, 32], Names) => (_files, _firstIndex, _labels) = (files, firstIndex, labels);

    private static string[] Names { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Opens the 50,000 training images of a folder: data_batch_1.bin to data_batch_5.bin.</summary>
    /// <param name="folder">The folder that the published archive unpacks to, cifar-10-batches-bin.</param>
    /// <exception cref="InvalidDataException">A file is empty, cut off or damaged.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static Cifar10DataSet OpenTraining(string folder) =>
        Open([.. Enumerable.Range(1, 5).Select(k => Path.Combine(folder, $"data_batch_{k}.bin"))]);

    /// <summary>Opens the 10,000 test images of a folder: test_batch.bin.</summary>
    /// <inheritdoc cref="OpenTraining"/>
    public static Cifar10DataSet OpenTest(string folder) => Open(Path.Combine(folder, "test_batch.bin"));

    /// <summary>Opens files one after another as one set.</summary>
    /// <param name="paths">Files of records, at least one.</param>
    /// <exception cref="InvalidDataException">A file is empty, cut off or damaged.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static Cifar10DataSet Open(params IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        if (paths.Count == 0) throw new ArgumentException("No file was given; at least one is needed.", nameof(paths));
        var files = new List<RecordFile>();
        try
        {
            var labels = new List<byte>();
            var firstIndex = new List<long> { 0 };
            foreach (var path in paths)
            {
                files.Add(OpenFile(path));
                ReadLabels(files[^1], labels);
                firstIndex.Add(labels.Count);
            }
            return new Cifar10DataSet([.. files], [.. firstIndex], [.. labels]);
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        var pixels = new byte[ImageSize];
        for (var k = 0; k < indices.Length; k++)
        {
            var file = 0;
            while (indices[k] >= _firstIndex[file + 1]) file++;
            _files[file].Read((indices[k] - _firstIndex[file]) * RecordSize + 1, pixels);
            PixelScale.FromBytes(pixels, data.Slice(k * ImageSize, ImageSize));
            labels[k] = _labels[indices[k]];
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var file in _files) file.Dispose();
        base.Dispose(disposing);
    }

    private static RecordFile OpenFile(string path)
    {
        // The format has no header: the length alone tells whether it can be one.
        var length = new FileInfo(path).Length;
        if (length % RecordSize != 0)
            throw new InvalidDataException(
                $"'{path}' is cut off or damaged: it has {length} bytes, which is not a multiple of the {RecordSize} of a CIFAR-10 record.");
        return RecordFile.Open(path, 1, _ => (UInt128)(ulong)length);
    }

    private static void ReadLabels(RecordFile file, List<byte> labels)
    {
        Span<byte> label = stackalloc byte[1];
        for (long record = 0; record < file.Length / RecordSize; record++)
        {
            file.Read(record * RecordSize, label);
            if (label[0] > 9)
                throw new InvalidDataException($"'{file.Path}' is damaged: record {record} has label {label[0]}; CIFAR-10 has classes 0 to 9.");
            labels.Add(label[0]);
        }
    }
}
