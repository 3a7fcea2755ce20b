using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DataSplitTests
{
    [Fact]
    public void PartsHaveTheirSizesAndNothingInCommon()
    {
        using var set = new ShapesDataSet(size: 8, count: 100);
        var parts = DataSplit.ByHash(set, 50, 40, 10);
        Assert.Equal([50L, 40, 10], parts.Select(part => part.Count));
        Assert.Equal(Enumerable.Range(0, 100).Select(k => (long)k), parts.SelectMany(part => part.Indices.ToArray()).Order());
    }

    [Fact]
    public void TheSplitFollowsTheContentNotItsOrder()
    {
        using var scope = NewDisposeScope();
        var values = arange(40, dtype: float32).view(40, 1);
        using var set = new TensorDataSet(values);
        using var reversed = new TensorDataSet(values.flip(0));
        var part = DataSplit.ByHash(set, 15, 25)[0].Indices.ToArray();
        Assert.Equal(part, DataSplit.ByHash(reversed, 15, 25)[0].Indices.ToArray().Select(k => 39 - k).Order());
        Assert.NotEqual(Enumerable.Range(0, 15).Select(k => (long)k), part);
    }

    [Fact]
    public void RepeatedSamplesStayTogether()
    {
        using var scope = NewDisposeScope();
        // 30 different samples, ten of them three times, with labels that do not matter.
        var values = cat([arange(30, dtype: float32), arange(10, dtype: float32), arange(10, dtype: float32)]).view(50, 1);
        using var set = new TensorDataSet(values, arange(50, dtype: int64));
        var parts = DataSplit.ByHash(set, 20, 20, 10);
        Assert.Equal([20L, 20, 10], parts.Select(part => part.Count));
        foreach (var part in parts)
        {
            var own = part.Indices.ToArray().Select(k => values[k].item<float>()).ToHashSet();
            var others = parts.Where(p => p != part).SelectMany(p => p.Indices.ToArray()).Select(k => values[k].item<float>());
            Assert.DoesNotContain(others, own.Contains);
        }
    }

    [Fact]
    public void SizesThatRepeatedSamplesForbidAreRefused()
    {
        using var scope = NewDisposeScope();
        using var set = new TensorDataSet(zeros(4, 1));
        Assert.Contains("stay together", Assert.Throws<InvalidOperationException>(() => DataSplit.ByHash(set, 2, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ImpossibleSizesAreRefused()
    {
        using var set = new ShapesDataSet(size: 8, count: 10);
        Assert.Throws<ArgumentException>(() => DataSplit.ByHash(set));
        Assert.Throws<ArgumentException>(() => DataSplit.ByHash(set, 5, 0));
        Assert.Contains("11", Assert.Throws<ArgumentException>(() => DataSplit.ByHash(set, 5, 6)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => DataSplit.ByHash(null!, 5));
    }
}
