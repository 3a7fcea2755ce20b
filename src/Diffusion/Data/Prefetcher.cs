using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Diffusion.Data;

/// <summary>Reads batches ahead on a thread of its own. An error is kept and thrown to whoever takes the batch that it befell.</summary>
internal sealed class Prefetcher : IDisposable
{
    private readonly BlockingCollection<(Batch? Batch, ExceptionDispatchInfo? Error)> _ready;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    /// <param name="read">Makes the batch of a position; its tensors belong to no scope.</param>
    /// <param name="after">The position that follows one.</param>
    /// <param name="start">The first batch to read.</param>
    /// <param name="depth">How many batches are kept ready, at least 1.</param>
    public Prefetcher(Func<LoaderPosition, Batch> read, Func<LoaderPosition, LoaderPosition> after, LoaderPosition start, int depth)
    {
        _ready = new BlockingCollection<(Batch?, ExceptionDispatchInfo?)>(depth);
        _thread = new Thread(() => ReadAhead(read, after, start)) { IsBackground = true, Name = "Diffusion data loader" };
        _thread.Start();
    }

    /// <summary>The next batch; waits for it.</summary>
    public Batch Take()
    {
        var (batch, error) = _ready.Take();
        error?.Throw();
        return batch!;
    }

    /// <summary>Stops the thread after the batch it is reading, and frees what was not taken.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        while (_ready.TryTake(out var item)) item.Batch?.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    private void ReadAhead(Func<LoaderPosition, Batch> read, Func<LoaderPosition, LoaderPosition> after, LoaderPosition start)
    {
        for (var position = start; !_stop.IsCancellationRequested; position = after(position))
        {
            Batch? batch = null;
            ExceptionDispatchInfo? error = null;
            try
            {
                batch = read(position);
            }
#pragma warning disable CA1031 // Every error belongs to the caller's thread; here it would end the process.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                error = ExceptionDispatchInfo.Capture(thrown);
            }
            try
            {
                _ready.Add((batch, error), _stop.Token);
            }
            catch (OperationCanceledException)
            {
                batch?.Dispose();
                return;
            }
            if (error is not null) return;
        }
    }
}
