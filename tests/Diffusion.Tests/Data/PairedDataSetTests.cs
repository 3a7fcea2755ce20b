using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class PairedDataSetTests
{
    private static TensorDataSet Numbers(int count, float from, bool labels = false)
    {
        using var scope = NewDisposeScope();
        return new TensorDataSet(arange(from, from + count, dtype: float32).view(count, 1), labels ? arange(count, dtype: int64) : null);
    }

    [Fact]
    public void EveryPairIsThereOnce()
    {
        using var scope = NewDisposeScope();
        using var data = Numbers(3, 0, labels: true);
        using var other = Numbers(4, 10, labels: true);
        using var pairs = PairedDataSet.AllPairs(data, other);
        Assert.Equal(12, pairs.Count);
        Assert.Equal([2, 1], pairs.SampleShape);
        var batch = pairs.Get([.. Enumerable.Range(0, 12).Select(i => (long)i)]);
        var values = batch.Data.data<float>().ToArray();
        Assert.Equal(12, Enumerable.Range(0, 12).Select(k => (values[2 * k], values[2 * k + 1])).Distinct().Count());
        Assert.All(Enumerable.Range(0, 12), k => Assert.True(values[2 * k] < 3 && values[2 * k + 1] >= 10));
        Assert.Equal(Enumerable.Range(0, 12).Select(k => (long)values[2 * k]), batch.Labels!.data<long>().ToArray());
    }

    [Fact]
    public void PairsInOrderKeepTheirPlace()
    {
        using var scope = NewDisposeScope();
        using var data = Numbers(3, 0);
        using var other = Numbers(3, 10);
        using var pairs = PairedDataSet.InOrder(data, other);
        Assert.Equal([2f, 12, 0, 10], pairs.Get([2, 0]).Data.data<float>().ToArray());
    }

    [Fact]
    public void RefusesWhatDoesNotFit()
    {
        using var three = Numbers(3, 0);
        using var four = Numbers(4, 0);
        using var wide = new TensorDataSet(zeros(3, 2));
        Assert.Throws<ArgumentException>(() => PairedDataSet.InOrder(three, four));
        Assert.Throws<ArgumentException>(() => PairedDataSet.AllPairs(three, wide));
    }
}
