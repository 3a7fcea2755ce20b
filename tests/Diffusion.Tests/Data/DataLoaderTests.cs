using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DataLoaderTests
{
    [Fact]
    public void AnEpochHasEverySampleOnceAndTheNextAnotherOrder()
    {
        using var set = Numbers(20);
        using var loader = new DataLoader(set, 5, new() { Seed = 1 });
        Assert.Equal(4, loader.BatchesPerEpoch);
        var epochs = Enumerable.Range(0, 3).Select(_ => Take(loader, 4).SelectMany(b => b).ToArray()).ToArray();
        Assert.All(epochs, epoch => Assert.Equal(Enumerable.Range(0, 20).Select(k => (float)k), epoch.Order()));
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.NotEqual(epochs[1], epochs[2]);
        Assert.Equal(new LoaderPosition(3, 0), loader.Position);
    }

    [Fact]
    public void TheSeedDecidesTheOrder()
    {
        using var set = Numbers(50);
        float[][] Order(long seed)
        {
            using var loader = new DataLoader(set, 10, new() { Seed = seed });
            return Take(loader, 10);
        }
        Assert.Equal(Order(3), Order(3));
        Assert.NotEqual(Order(3), Order(4));
    }

    [Fact]
    public void WithoutShufflingTheOrderIsThatOfTheSet()
    {
        using var set = Numbers(5);
        using var loader = new DataLoader(set, 2, new() { Shuffle = false, DropLast = false });
        Assert.Equal([[0f, 1], [2, 3], [4], [0, 1]], Take(loader, 4));
    }

    [Fact]
    public void TheLastBatchIsDroppedOnRequest()
    {
        using var set = Numbers(5);
        using var loader = new DataLoader(set, 2, new() { Shuffle = false });
        Assert.Equal(2, loader.BatchesPerEpoch);
        Assert.Equal([[0f, 1], [2, 3], [0, 1]], Take(loader, 3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void ResumingAnywhereContinuesExactly(int prefetch)
    {
        using var set = new ShapesDataSet(size: 8, count: 30);
        DataLoaderOptions options = new()
        {
            Seed = 9,
            DropLast = false,
            Prefetch = prefetch,
            Transforms = [new RandomHorizontalFlip(), new RandomCrop(8, 8, padding: 2)],
        };
        using var whole = new DataLoader(set, 4, options);
        var positions = new List<LoaderPosition>();
        var batches = new List<float[]>();
        for (var k = 0; k < 20; k++)
        {
            positions.Add(whole.Position);
            batches.Add(Take(whole, 1)[0]);
        }
        using var resumed = new DataLoader(set, 4, options);
        foreach (var k in new[] { 0, 19, 7, 8, 13, 1 })
        {
            resumed.Position = positions[k];
            for (var j = k; j < Math.Min(k + 3, 20); j++)
            {
                Assert.Equal(positions[j], resumed.Position);
                Assert.Equal(batches[j], Take(resumed, 1)[0]);
            }
        }
    }

    [Theory]
    [InlineData(24, true)]
    [InlineData(29, true)]
    [InlineData(29, false)]
    public void RanksShareEachBatchOfTheWholeAndNothingElse(int count, bool dropLast)
    {
        using var set = Numbers(count);
        using var whole = new DataLoader(set, 6, new() { Seed = 2, DropLast = dropLast });
        var ranks = Enumerable.Range(0, 3)
            .Select(rank => new DataLoader(set, 2, new() { Seed = 2, DropLast = dropLast, Rank = rank, WorldSize = 3 })).ToArray();
        for (var k = 0; k < 2 * whole.BatchesPerEpoch; k++)
        {
            var shards = ranks.SelectMany(rank => Take(rank, 1)[0]).ToArray();
            Assert.Equal(Take(whole, 1)[0].Order(), shards.Order());
            Assert.Equal(shards.Length, shards.Distinct().Count());
        }
        Assert.All(ranks, rank => Assert.Equal(whole.Position, rank.Position));
        foreach (var rank in ranks) rank.Dispose();
    }

    [Fact]
    public void ASampleIsTransformedAlikeInEveryBatchSizeAndRank()
    {
        using var set = Numbers(12, 3, 4, 4);
        Dictionary<float, string> Epoch(int batchSize, int rank, int worldSize)
        {
            using var loader = new DataLoader(set, batchSize, new() { Seed = 5, Rank = rank, WorldSize = worldSize, Transforms = [new Recorder()] });
            return Enumerable.Range(0, (int)loader.BatchesPerEpoch).SelectMany(_ => Rows(loader)).ToDictionary(r => r[0], r => string.Join(' ', r));
        }
        var one = Epoch(12, 0, 1);
        var two = Epoch(3, 0, 2).Concat(Epoch(3, 1, 2)).ToDictionary();
        Assert.Equal(one.OrderBy(p => p.Key), two.OrderBy(p => p.Key));
    }

    [Fact]
    public void EndlessSetsAreShuffledToo()
    {
        using var set = new ShapesDataSet(size: 8, count: long.MaxValue);
        using var loader = new DataLoader(set, 16);
        using var batch = loader.Next();
        Assert.True(batch.Labels!.data<long>().ToArray().Distinct().Count() > 3);
    }

    [Fact]
    public void SettingsThatCannotWorkAreRefused()
    {
        using var set = Numbers(10);
        Assert.Throws<ArgumentNullException>(() => new DataLoader(null!, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataLoader(set, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataLoader(set, 1, new() { Prefetch = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataLoader(set, 1, new() { Rank = 2, WorldSize = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataLoader(set, 1, new() { Rank = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataLoader(set, 1, new() { WorldSize = 0 }));
        Assert.Contains("10 samples", Assert.Throws<ArgumentException>(() => new DataLoader(set, 11)).Message, StringComparison.Ordinal);
        // Two batches of 2 for each of 4 ranks leave 2 samples for 4 ranks.
        Assert.Contains("every rank", Assert.Throws<ArgumentException>(
            () => new DataLoader(set, 2, new() { DropLast = false, WorldSize = 4 })).Message, StringComparison.Ordinal);
        Assert.Contains("RandomHorizontalFlip", Assert.Throws<ArgumentException>(
            () => new DataLoader(set, 2, new() { Transforms = [new RandomHorizontalFlip()] })).Message, StringComparison.Ordinal);
        using var loader = new DataLoader(set, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Position = new(0, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Position = new(-1, 0));
    }

    private static TensorDataSet Numbers(int count, params long[] shape)
    {
        using var scope = NewDisposeScope();
        if (shape.Length == 0) shape = [1];
        return new TensorDataSet(arange(count, dtype: float32).view([count, .. shape.Select(_ => 1L)]).expand([count, .. shape]));
    }

    private static float[][] Take(DataLoader loader, int batches) =>
        [.. Enumerable.Range(0, batches).Select(_ =>
        {
            using var batch = loader.Next();
            return batch.Data.data<float>().ToArray();
        })];

    private static float[][] Rows(DataLoader loader)
    {
        using var batch = loader.Next();
        return [.. batch.Data.data<float>().ToArray().Chunk((int)(batch.Data.numel() / batch.Count))];
    }

    /// <summary>Leaves the first number of a sample and writes the random numbers it was given over the others.</summary>
    private sealed class Recorder : DataTransform
    {
        public override Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random)
        {
            var values = data.data<float>().ToArray();
            var size = values.Length / random.Length;
            for (var k = 0; k < values.Length; k++)
                if (k % size != 0) values[k] = (float)random[k / size].NextDouble();
            return tensor(values, data.shape);
        }
    }
}
