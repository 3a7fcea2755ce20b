namespace Diffusion.Data;

/// <summary>
/// Goes through a data set in batches, epoch after epoch, reading ahead on a background thread. What it returns follows from the set,
/// the batch size, the options and the <see cref="Position"/> alone, so a run that stores the position resumes exactly.
/// </summary>
/// <remarks>
/// For one thread at a time. The data set is borrowed: it must outlive the loader. Dispose the loader to stop its thread.
/// <code>
/// using var loader = new DataLoader(images, batchSize: 64, new() { Seed = 1 });
/// while (loader.Position.Epoch &lt; 10)
/// {
///     using var batch = loader.Next();
///     …
/// }
/// </code>
/// </remarks>
public sealed class DataLoader : IDisposable
{
    private readonly DataSet _data;
    private readonly BatchPlan _plan;
    private readonly DataTransform[] _transforms;
    private readonly long _seed;
    private readonly int _prefetch;
    private readonly Device? _device;
    private Prefetcher? _prefetcher;
    private LoaderPosition _position;
    private bool _disposed;

    /// <summary>A loader that stands at the first batch of the first epoch. Nothing is read before the first <see cref="Next"/>.</summary>
    /// <param name="data">The set; borrowed.</param>
    /// <param name="batchSize">Samples a batch, at least 1.</param>
    /// <param name="options">Order, shards, transforms and prefetching; null for the defaults.</param>
    /// <exception cref="ArgumentException">The set is smaller than a batch, or a transform does not fit the samples.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public DataLoader(DataSet data, int batchSize, DataLoaderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= new DataLoaderOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Prefetch);
        _plan = new BatchPlan(data.Count, batchSize, options.DropLast, options.Shuffle ? options.Seed : null, options.Rank, options.WorldSize);
        _transforms = [.. options.Transforms];
        SampleShape = _transforms.Aggregate(data.SampleShape, (shape, transform) => transform.OutputShape(shape));
        (_data, _seed, _prefetch) = (data, options.Seed, options.Prefetch);
        _device = options.Device is { type: not DeviceType.CPU } device ? device : null;
    }

    /// <summary>Batches in an epoch; the same on every rank.</summary>
    public long BatchesPerEpoch => _plan.BatchesPerEpoch;

    /// <summary>Shape of one sample after the transforms, without the batch axis.</summary>
    public IReadOnlyList<long> SampleShape { get; }

    /// <summary>The batch that <see cref="Next"/> returns. Setting it goes there at once, from wherever the loader stands.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such batch.</exception>
    public LoaderPosition Position
    {
        get => _position;
        set
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (value.Epoch < 0 || value.Batch < 0 || value.Batch >= BatchesPerEpoch)
                throw new ArgumentOutOfRangeException(
                    nameof(value), value, $"Epochs are numbered from 0, and the batches of an epoch from 0 to {BatchesPerEpoch - 1}.");
            if (value == _position) return;
            StopReading();
            _position = value;
        }
    }

    /// <summary>The batch at <see cref="Position"/>, which moves on by one. After the last batch of an epoch the next epoch begins.</summary>
    /// <returns>A batch that belongs to the caller: to the current scope if there is one, else until it is disposed.</returns>
    /// <exception cref="InvalidDataException">A file of the set is damaged. The position has not moved; calling again tries again.</exception>
    public Batch Next()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var batch = _prefetch == 0 ? Read(_position) : Prefetched();
        if (_device is null) batch.AttachToCurrentScope();
        else batch = Moved(batch, _device);
        _position = _plan.After(_position);
        return batch;
    }

    /// <summary>Stops the background thread, waiting for the batch that it is reading. Batches that were returned stay valid.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        StopReading();
    }

    private Batch Prefetched()
    {
        _prefetcher ??= new Prefetcher(Read, _plan.After, _position, _prefetch);
        try
        {
            return _prefetcher.Take();
        }
        catch
        {
            StopReading(); // its thread has ended; the next call starts anew from here
            throw;
        }
    }

    private Batch Moved(Batch batch, Device device)
    {
        try
        {
            using (batch) return batch.To(device, nonBlocking: true);
        }
        catch
        {
            StopReading(); // it is one batch ahead of the position
            throw;
        }
    }

    private void StopReading()
    {
        _prefetcher?.Dispose();
        _prefetcher = null;
    }

    /// <summary>Reads and transforms a batch, on whatever thread; its tensors belong to no scope.</summary>
    private Batch Read(LoaderPosition position)
    {
        using var scope = NewDisposeScope();
        var indices = _plan.Indices(position);
        var batch = _data.Get(indices);
        var data = batch.Data;
        for (var t = 0; t < _transforms.Length; t++) data = Transform(data, t, position.Epoch, indices);
        if (_device?.type == DeviceType.CUDA)
            return new Batch(data.pin_memory(), batch.Labels?.pin_memory()).DetachFromDisposeScope();
        return new Batch(data, batch.Labels).DetachFromDisposeScope();
    }

    private Tensor Transform(Tensor data, int ordinal, long epoch, long[] indices)
    {
        var random = Array.ConvertAll(indices, index => new RandomStream(_seed, epoch, index, ordinal));
        return _transforms[ordinal].Apply(data, random);
    }
}
