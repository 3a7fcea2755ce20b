namespace Diffusion.Data;

/// <summary>Which samples are in which batch: plain numbers, the same whoever asks and in whatever order.</summary>
internal sealed class BatchPlan
{
    private readonly long _count;
    private readonly long _globalBatch;
    private readonly int _rank;
    private readonly int _worldSize;
    private readonly long? _seed;

    // A seed of null keeps the order of the set.
    public BatchPlan(long count, int batchSize, bool dropLast, long? seed, int rank, int worldSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        if (rank < 0 || rank >= worldSize)
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"With a world size of {worldSize}, ranks go from 0 to {worldSize - 1}.");
        _count = count;
        _globalBatch = (long)batchSize * worldSize;
        (_rank, _worldSize, _seed) = (rank, worldSize, seed);
        var remainder = count % _globalBatch;
        BatchesPerEpoch = count / _globalBatch + (dropLast || remainder == 0 ? 0 : 1);
        var batch = worldSize == 1 ? $"{batchSize}" : $"{batchSize} on each of {worldSize} ranks";
        if (BatchesPerEpoch == 0)
            throw new ArgumentException(
                $"The set has {count} samples, fewer than one batch of {batch}. Use smaller batches, or DropLast = false.", nameof(batchSize));
        if (!dropLast && remainder != 0 && remainder < worldSize)
            throw new ArgumentException(
                $"The set has {count} samples; batches of {batch} leave {remainder} for the last, too few for every rank to get one. "
                + "Use another batch size, or DropLast = true.", nameof(batchSize));
    }

    public long BatchesPerEpoch { get; }

    public LoaderPosition After(LoaderPosition position) =>
        position.Batch + 1 < BatchesPerEpoch ? position with { Batch = position.Batch + 1 } : new LoaderPosition(position.Epoch + 1, 0);

    /// <summary>The samples of this rank at a position. Ranks take turns through the batch that they form together.</summary>
    public long[] Indices(LoaderPosition position)
    {
        var start = position.Batch * _globalBatch;
        var length = Math.Min(_globalBatch, _count - start);
        var indices = new long[(length - _rank + _worldSize - 1) / _worldSize];
        var order = _seed is { } seed ? new ShuffledOrder(_count, seed, position.Epoch) : null;
        for (var k = 0; k < indices.Length; k++)
        {
            var place = start + _rank + (long)k * _worldSize;
            indices[k] = order?[place] ?? place;
        }
        return indices;
    }
}
