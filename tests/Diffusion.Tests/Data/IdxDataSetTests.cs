using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public sealed class IdxDataSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ImagesAndLabelsAreReadPlainOrCompressed(bool compressed)
    {
        using var scope = NewDisposeScope();
        var pixels = Enumerable.Range(0, 5 * 2 * 3).Select(k => (byte)(k * 8)).ToArray();
        using var set = IdxDataSet.Open(
            Write("images", Idx([5, 2, 3], pixels), compressed), Write("labels", Idx([5], [3, 0, 1, 2, 2]), compressed));
        Assert.Equal(5, set.Count);
        Assert.Equal([1, 2, 3], set.SampleShape);
        Assert.Equal(["0", "1", "2", "3"], set.ClassNames);
        using var batch = set.Get(4, 1);
        Assert.Equal([2, 1, 2, 3], batch.Data.shape);
        Assert.Equal(pixels[24..].Concat(pixels[6..12]), batch.Data.data<float>().ToArray().Select(PixelScale.ToByte));
        Assert.Equal([2L, 0], batch.Labels!.data<long>().ToArray());
    }

    [Fact]
    public void ImagesAloneHaveNoClasses()
    {
        using var scope = NewDisposeScope();
        using var set = IdxDataSet.Open(Write("images", Idx([1, 2, 2], [0, 1, 2, 3])));
        Assert.Null(set.ClassNames);
        Assert.Null(set.Get(0).Labels);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AHeaderThatClaimsTooMuchIsRefusedBeforeMemoryIsTaken(bool compressed)
    {
        // 2³¹ − 1 images of 16,384 × 16,384 in a hundred bytes.
        var path = Write("images", Idx([int.MaxValue, 1 << 14, 1 << 14], new byte[84]), compressed);
        GC.Collect();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var clock = Stopwatch.StartNew();
        AssertFault(() => IdxDataSet.Open(path), path, "claims");
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 1 << 20);
    }

    [Fact]
    public void ACompressedBombIsUnpackedNoFurtherThanItsHeaderClaims()
    {
        var path = Write("images", Idx([1, 2, 2], new byte[50_000_000]), compressed: true);
        Assert.InRange(new FileInfo(path).Length, 0, 100_000);
        GC.Collect();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        AssertFault(() => IdxDataSet.Open(path), path, "more than the 20 bytes");
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FilesCutOffOrTooLongAreRefused(bool compressed)
    {
        var whole = Idx([3, 2, 2], new byte[12]);
        var shorter = Write("short", whole[..^1], compressed);
        AssertFault(() => IdxDataSet.Open(shorter), shorter, "cut off");
        var header = Write("header", whole[..15], compressed);
        AssertFault(() => IdxDataSet.Open(header), header, "cut off");
        var longer = Write("long", [.. whole, 0], compressed);
        AssertFault(() => IdxDataSet.Open(longer), longer, "more than");
    }

    [Fact]
    public void DamagedCompressionIsRefused()
    {
        var random = new Random(1);
        var pixels = new byte[4000];
        random.NextBytes(pixels);
        var whole = File.ReadAllBytes(Write("whole", Idx([10, 20, 20], pixels), compressed: true));
        foreach (var length in new[] { 2, 5, 10, 11, 30, whole.Length / 2, whole.Length - 9 })
        {
            var cut = _folder.Write("cut", whole[..length]);
            AssertFault(() => IdxDataSet.Open(cut), cut, "");
        }
        foreach (var place in new[] { 3, 60, whole.Length / 2, whole.Length - 6 })
        {
            var damaged = whole.ToArray();
            damaged[place] ^= 0x55;
            var path = _folder.Write("damaged", damaged);
            AssertFault(() => IdxDataSet.Open(path), path, "");
        }
    }

    [Fact]
    public void FilesOfAnotherKindAreRefused()
    {
        var images = Write("images", Idx([2, 2, 2], new byte[8]));
        var labels = Write("labels", Idx([2], [0, 1]));
        var empty = _folder.Write("empty", []);
        AssertFault(() => IdxDataSet.Open(empty), empty, "is empty");
        AssertFault(() => IdxDataSet.Open(images, empty), empty, "is empty");
        AssertFault(() => IdxDataSet.Open(images, images), images, "exchanged");
        var padded = Write("padded", Idx([32], new byte[32]));
        AssertFault(() => IdxDataSet.Open(padded), padded, "exchanged");
        var text = _folder.Write("text", "not an IDX file, but long enough"u8.ToArray());
        AssertFault(() => IdxDataSet.Open(text), text, "no IDX file");
        var floats = Idx([2, 2, 2], new byte[8]);
        floats[2] = 0x0D;
        var path = Write("floats", floats);
        AssertFault(() => IdxDataSet.Open(path), path, "type 0D");
        var none = Write("none", Idx([0, 2, 2], []));
        AssertFault(() => IdxDataSet.Open(none), none, "holds no images");
        var flat = Write("flat", Idx([2, 0, 2], []));
        AssertFault(() => IdxDataSet.Open(flat), flat, "axis 1 is 0");
        Assert.Throws<FileNotFoundException>(() => IdxDataSet.Open(_folder.File("missing")));
        Assert.Throws<ArgumentException>(() => IdxDataSet.Open(""));
    }

    [Fact]
    public void ImagesAndLabelsThatDoNotMatchAreRefused()
    {
        var images = Write("images", Idx([2, 2, 2], new byte[8]));
        var three = Write("labels", Idx([3], [0, 1, 1]));
        var error = AssertFault(() => IdxDataSet.Open(images, three), three, "3 labels");
        Assert.Contains(images, error.Message, StringComparison.Ordinal);
        var two = Write("two", Idx([2], [0, 7]));
        AssertFault(() => IdxDataSet.Open(images, two, ["zero", "one"]), two, "label 1 is 7");
        Assert.Throws<ArgumentException>(() => IdxDataSet.Open(images, classNames: ["zero"]));
    }

    [Fact]
    public void AFileThatShrinksWhileInUseIsAnError()
    {
        var path = Write("images", Idx([2, 200, 200], new byte[80_000]));
        using var set = IdxDataSet.Open(path);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(50_000);
        AssertFault(() => set.Get(1), path, "shorter");
    }

    // A file with holes: as long as twice the memory of the machine, and almost empty on the disk.
    [Fact]
    public void ASetLargerThanMemoryIsReadFromTheDisk()
    {
        const int Size = 1024;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var count = (int)(2 * memory / (Size * Size)) + 1;
        var path = Path.Combine(_folder.Path, "large");
        using (var file = new FileStream(path, FileMode.CreateNew))
        {
            file.Write([0, 0, 8, 3, (byte)(count >> 24), (byte)(count >> 16), (byte)(count >> 8), (byte)count, 0, 0, Size >> 8, Size & 255, 0, 0, Size >> 8, Size & 255]);
            try
            {
                file.SetLength(16 + (long)count * Size * Size);
            }
            catch (Exception error) when (error is IOException or ArgumentOutOfRangeException)
            {
                Assert.Skip($"this file system does not hold files of {count} MiB: {error.Message}");
            }

            file.Position = file.Length - Size * Size; // the last image is white
            file.Write(Enumerable.Repeat((byte)255, Size * Size).ToArray());
        }

        using var set = IdxDataSet.Open(path);
        Assert.Equal(count, set.Count);
        using var loader = new DataLoader(set, 4);
        var before = Environment.WorkingSet;
        for (var i = 0; i < 25; i++)
        {
            using var batch = loader.Next(); // anywhere in the file
            Assert.Equal(-1, batch.Data.min().item<float>());
        }

        using var last = set.Get([0, count - 1]);
        Assert.Equal([-1f, 1f], last.Data.flatten(1).mean([1L]).data<float>().ToArray());
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, memory / 20);
    }

    [Fact]
    public void MnistIsReadAndSplitByHash()
    {
        var folder = Shared.Require("data/mnist");
        using var scope = NewDisposeScope();
        using var set = IdxDataSet.Open(Path.Combine(folder, "t10k-images-idx3-ubyte.gz"), Path.Combine(folder, "t10k-labels-idx1-ubyte.gz"));
        Assert.Equal(10_000, set.Count);
        Assert.Equal([1, 28, 28], set.SampleShape);
        Assert.Equal(10, set.ClassCount);
        var first = set.Get(0, 1, 2, 3, 4);
        Assert.Equal([7L, 2, 1, 0, 4], first.Labels!.data<long>().ToArray()); // the well-known beginning of the test set
        Assert.Equal(-1f, first.Data.min().item<float>());
        Assert.Equal(1f, first.Data.max().item<float>());
        // The mean of the whole test set, 0.1325 of full white, is published in many places.
        var all = set.Get([.. Enumerable.Range(0, 10_000).Select(k => (long)k)]);
        Assert.Equal(0.1325, (all.Data.mean().item<float>() + 1) / 2, 0.0001);

        var parts = DataSplit.ByHash(set, 5_000, 4_000, 1_000);
        Assert.Equal([5_000L, 4_000, 1_000], parts.Select(part => part.Count));
        Assert.Equal(10_000, parts.SelectMany(part => part.Indices.ToArray()).Distinct().Count());
        foreach (var part in parts)
        {
            // About a tenth of each class: within five standard errors.
            var counts = part.Get([.. Enumerable.Range(0, (int)part.Count).Select(k => (long)k)]).Labels!.bincount(null, 10).data<long>().ToArray();
            Assert.All(counts, n => Assert.InRange(n, part.Count * 0.1 - 5 * Math.Sqrt(part.Count * 0.09), part.Count * 0.1135 + 5 * Math.Sqrt(part.Count * 0.1)));
        }
    }

    private string Write(string name, byte[] content, bool compressed = false)
    {
        if (!compressed) return _folder.Write(name, content);
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize)) gzip.Write(content);
        return _folder.Write(name + ".gz", packed.ToArray());
    }

    private static byte[] Idx(int[] sizes, byte[] content)
    {
        var bytes = new byte[4 + 4 * sizes.Length + content.Length];
        (bytes[2], bytes[3]) = (0x08, (byte)sizes.Length);
        for (var k = 0; k < sizes.Length; k++) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + 4 * k), sizes[k]);
        content.CopyTo(bytes, 4 + 4 * sizes.Length);
        return bytes;
    }

    private static InvalidDataException AssertFault(Action open, string path, string fault)
    {
        var error = Assert.Throws<InvalidDataException>(open);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        return error;
    }
}
