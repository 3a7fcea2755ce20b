using System.Diagnostics;
using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DataLoaderThreadTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void NoTensorIsLeftBehind(int prefetch)
    {
        using var set = new ShapesDataSet(size: 8);
        var before = LiveTensors.Count();
        using (var loader = new DataLoader(set, 8, new() { Prefetch = prefetch, Transforms = [new RandomHorizontalFlip(), new RandomAffine(1, 1, 1.2)] }))
        {
            for (var k = 0; k < 50; k++)
            {
                using var scope = NewDisposeScope();
                loader.Next();
                Assert.Equal(2, scope.DisposablesCount); // the batch belongs to this scope
            }
            loader.Position = new(2, 5);
            for (var k = 0; k < 5; k++) loader.Next().Dispose();
        }
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void BatchesOutliveTheLoader()
    {
        using var set = new ShapesDataSet(size: 8);
        Batch batch;
        using (var loader = new DataLoader(set, 8)) batch = loader.Next();
        using (batch) Assert.Equal(8 * 3 * 64, batch.Data.data<float>().Count);
    }

    [Fact]
    public void BatchesAreReadAheadUpToTheLimit()
    {
        using var set = new Probe(count: 100);
        using var loader = new DataLoader(set, 1, new() { Shuffle = false, Prefetch = 3 });
        Assert.Equal(0, set.Reads);
        loader.Next().Dispose();
        // One was taken, three are kept ready and the fourth waits in the thread's hand.
        Assert.True(SpinWait.SpinUntil(() => set.Reads == 5, TimeSpan.FromSeconds(10)));
        Thread.Sleep(50);
        Assert.Equal(5, set.Reads);
        Assert.NotEqual(Environment.CurrentManagedThreadId, set.Thread);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void AnErrorComesToTheCallerAtItsBatchAndCanBeRetried(int prefetch)
    {
        using var set = new Probe(count: 10) { FailAt = 3 };
        using var loader = new DataLoader(set, 1, new() { Shuffle = false, Prefetch = prefetch });
        for (var k = 0; k < 3; k++) loader.Next().Dispose();
        var error = Assert.Throws<InvalidDataException>(() => loader.Next());
        Assert.Equal("sample 3", error.Message);
        Assert.Contains(nameof(Probe), error.StackTrace, StringComparison.Ordinal); // where it arose
        Assert.Equal(new LoaderPosition(0, 3), loader.Position);
        Assert.Throws<InvalidDataException>(() => loader.Next());
        set.FailAt = -1;
        using var batch = loader.Next();
        Assert.Equal(3f, batch.Data.item<float>());
    }

    [Fact]
    public void AnErrorThatNobodyTakesDoesNotHoldUpDisposal()
    {
        using var set = new Probe(count: 10) { FailAt = 2 };
        var loader = new DataLoader(set, 1, new() { Shuffle = false, Prefetch = 1 });
        loader.Next().Dispose();
        Assert.True(SpinWait.SpinUntil(() => set.Reads == 3, TimeSpan.FromSeconds(10)));
        var clock = Stopwatch.StartNew();
        loader.Dispose();
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Throws<ObjectDisposedException>(() => loader.Next());
        Assert.Throws<ObjectDisposedException>(() => loader.Position = default);
        loader.Dispose();
    }

    [Fact]
    public void DisposalEndsTheThreadBeforeItReturns()
    {
        using var set = new Probe(count: 100) { Delay = 20 };
        var loader = new DataLoader(set, 1, new() { Prefetch = 2 });
        loader.Next().Dispose();
        loader.Dispose();
        var reads = set.Reads;
        Thread.Sleep(100);
        Assert.Equal(reads, set.Reads);
    }

    /// <summary>Counts reads, and fails where told to. Sample k is the number k.</summary>
    private sealed class Probe(int count) : DataSet(count, [1], null)
    {
        private int _reads;

        public int Reads => Volatile.Read(ref _reads);

        public int Thread { get; private set; }

        public long FailAt { get; set; } = -1;

        public int Delay { get; init; }

        protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
        {
            Thread = Environment.CurrentManagedThreadId;
            if (Delay > 0) System.Threading.Thread.Sleep(Delay);
            data[0] = indices[0];
            Interlocked.Increment(ref _reads);
            if (indices[0] == FailAt) throw new InvalidDataException($"sample {indices[0]}");
        }
    }
}
