using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DataSetTests
{
    [Fact]
    public void SamplesComeInTheOrderAskedForWithTheirLabels()
    {
        using var scope = NewDisposeScope();
        using var set = new TensorDataSet(arange(12, dtype: float32).view(4, 3), tensor(new long[] { 2, 0, 1, 0 }));
        var batch = set.Get(3, 0, 3);
        Assert.Equal([3, 3], batch.Data.shape);
        Assert.Equal([9f, 10, 11, 0, 1, 2, 9, 10, 11], batch.Data.data<float>().ToArray());
        Assert.Equal([0L, 2, 0], batch.Labels!.data<long>().ToArray());
        Assert.Equal(["0", "1", "2"], set.ClassNames);
        Assert.Equal(3, set.ClassCount);
    }

    [Fact]
    public void ASetReadsViewsAsTheyLook()
    {
        using var scope = NewDisposeScope();
        var whole = arange(24, dtype: float32).view(4, 6);
        using var shifted = new TensorDataSet(whole[1..]);
        using var transposed = new TensorDataSet(whole.t());
        Assert.Equal([12f, 13, 14, 15, 16, 17], shifted.Get(1).Data.data<float>().ToArray());
        Assert.Equal([1f, 7, 13, 19], transposed.Get(1).Data.data<float>().ToArray());
    }

    [Fact]
    public void BytesAreReadAsPixels()
    {
        using var scope = NewDisposeScope();
        using var set = new TensorDataSet(tensor(new byte[] { 0, 255, 127, 128 }).view(2, 2));
        Assert.Equal([-1f, 1f, 127 / 127.5f - 1, 128 / 127.5f - 1], set.Get(0, 1).Data.data<float>().ToArray());
    }

    [Fact]
    public void EveryByteSurvivesTheScaleOfPixels() =>
        Assert.All(Enumerable.Range(0, 256), level => Assert.Equal(level, PixelScale.ToByte(PixelScale.FromByte((byte)level))));

    [Fact]
    public void ASubsetReadsItsSource()
    {
        using var scope = NewDisposeScope();
        using var source = new TensorDataSet(arange(5, dtype: float32).view(5, 1), tensor(new long[] { 0, 1, 2, 3, 4 }), ["a", "b", "c", "d", "e"]);
        using var subset = new Subset(source, [4, 1, 1]);
        using var batch = subset.Get(0, 2);
        Assert.Equal([4f, 1f], batch.Data.data<float>().ToArray());
        Assert.Equal([4L, 1L], batch.Labels!.data<long>().ToArray());
        Assert.Equal(5, subset.ClassCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Subset(source, [5]));
        Assert.Throws<ArgumentException>(() => new Subset(source, []));
        Assert.Throws<ArgumentNullException>(() => new Subset(null!, [0]));
    }

    [Fact]
    public void IndicesOutsideTheSetAreRefused()
    {
        using var scope = NewDisposeScope();
        using var set = new TensorDataSet(zeros(4, 2));
        Assert.Contains("0 to 3", Assert.Throws<ArgumentOutOfRangeException>(() => set.Get(4)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Get(-1));
        Assert.Throws<ArgumentException>(() => set.Get());
    }

    [Fact]
    public void TensorsThatAreNoDataSetAreRefused()
    {
        using var scope = NewDisposeScope();
        var data = zeros(4, 2);
        Assert.Throws<ArgumentNullException>(() => new TensorDataSet(null!));
        Assert.Throws<ArgumentException>(() => new TensorDataSet(zeros(4)));
        Assert.Throws<ArgumentException>(() => new TensorDataSet(zeros(0, 2)));
        Assert.Contains("Float64", Assert.Throws<ArgumentException>(() => new TensorDataSet(data.to(float64))).Message, StringComparison.Ordinal);
        Assert.Contains("finite", Assert.Throws<ArgumentException>(() => new TensorDataSet(data / 0)).Message, StringComparison.Ordinal);
        Assert.Contains("[4]", Assert.Throws<ArgumentException>(() => new TensorDataSet(data, zeros(3, int64))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TensorDataSet(data, zeros(4)));
        Assert.Throws<ArgumentException>(() => new TensorDataSet(data, classNames: ["a"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TensorDataSet(data, full(4, -1, int64)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TensorDataSet(data, full(4, 2, int64), ["a", "b"]));
    }

    [Fact]
    public void ABatchBeyondTwoGibibytesIsRefusedBeforeMemoryIsTaken()
    {
        using var set = new ShapesDataSet(size: 1024);
        var error = Assert.Throws<ArgumentException>(() => set.Get(new long[200]));
        Assert.Contains("2 GiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADisposedSetIsNotRead()
    {
        using var scope = NewDisposeScope();
        var set = new TensorDataSet(zeros(4, 2));
        set.Dispose();
        set.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Get(0));
    }
}
