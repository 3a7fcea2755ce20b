using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public sealed class Cifar10DataSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FilesFollowOneAnother()
    {
        using var scope = NewDisposeScope();
        for (var k = 1; k <= 5; k++) _folder.Write($"data_batch_{k}.bin", Records((byte)k, (byte)(k + 4)));
        _folder.Write("test_batch.bin", Records(0));
        using var training = Cifar10DataSet.OpenTraining(_folder.Path);
        using var test = Cifar10DataSet.OpenTest(_folder.Path);
        Assert.Equal(10, training.Count);
        Assert.Equal(1, test.Count);
        Assert.Equal("frog", training.ClassNames![6]);
        var batch = training.Get(0, 3, 9);
        Assert.Equal([3, 3, 32, 32], batch.Data.shape);
        Assert.Equal([1L, 6, 9], batch.Labels!.data<long>().ToArray());
        // Record of label k: red k, green k + 1, blue k + 2, the last pixel of each plane 100 more.
        Assert.Equal(6, PixelScale.ToByte(batch.Data[1, 0, 0, 0].item<float>()));
        Assert.Equal(8, PixelScale.ToByte(batch.Data[1, 2, 5, 7].item<float>()));
        Assert.Equal(107, PixelScale.ToByte(batch.Data[1, 1, 31, 31].item<float>()));
    }

    [Fact]
    public void DamagedFilesAreRefused()
    {
        var good = _folder.Write("good.bin", Records(1, 2));
        Fault(_folder.Write("empty.bin", []), "is empty");
        Fault(_folder.Write("cut.bin", Records(1, 2)[..^1]), "6145 bytes");
        Fault(_folder.Write("label.bin", Records(1, 10, 2)), "record 1 has label 10");
        Assert.Throws<FileNotFoundException>(() => Cifar10DataSet.Open(_folder.File("missing")));
        Assert.Throws<FileNotFoundException>(() => Cifar10DataSet.OpenTraining(_folder.Path));
        Assert.Throws<ArgumentException>(() => Cifar10DataSet.Open());

        void Fault(string path, string fault)
        {
            var error = Assert.Throws<InvalidDataException>(() => Cifar10DataSet.Open(good, path));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        }
    }

    private static byte[] Records(params byte[] labels)
    {
        var bytes = new byte[labels.Length * 3073];
        for (var k = 0; k < labels.Length; k++)
        {
            var record = bytes.AsSpan(k * 3073, 3073);
            record[0] = labels[k];
            for (var c = 0; c < 3; c++)
            {
                record.Slice(1 + c * 1024, 1024).Fill((byte)(labels[k] + c));
                record[c * 1024 + 1024] += 100;
            }
        }
        return bytes;
    }
}
