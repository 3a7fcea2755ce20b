using System.Threading.Channels;
using Diffusion.Imaging;
using Diffusion.Pipelines;
using TorchSharp;

namespace Server;

/// <summary>What a request asks for.</summary>
internal sealed record Generation(long? Label, int Count, int Steps, long Seed);

/// <summary>
/// The bounded queue between requests and the threads that draw. Sampling is synchronous and computes for long, so it has threads of its own: those of
/// the web server stay free, and a tensor never outlives the thread's scope.
/// </summary>
internal sealed class GenerationQueue(DiffusionModel model, ServerSettings settings) : IHostedService
{
    private readonly Channel<Job> _jobs = Channel.CreateBounded<Job>(settings.Queue);
    private Thread[] _workers = [];
    private int _running;
    private long _served, _cancelled, _refused, _ticks;

    public int Waiting => _jobs.Reader.Count;

    public int Running => Volatile.Read(ref _running);

    public long Served => Interlocked.Read(ref _served);

    public long Cancelled => Interlocked.Read(ref _cancelled);

    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>About how many seconds what is waiting will take, at least 1.</summary>
    public int SecondsOfWork => (int)Math.Max(1, Math.Ceiling(TimeSpan.FromTicks(Interlocked.Read(ref _ticks) / Math.Max(1, Served)).TotalSeconds * (Waiting + Running) / settings.Workers));

    /// <summary>Takes a request on.</summary>
    /// <returns>The picture to come, as a PNG; null where the queue is full.</returns>
    public Task<byte[]>? TryEnqueue(Generation what, CancellationToken cancellation)
    {
        var job = new Job(what, new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously), cancellation);
        if (_jobs.Writer.TryWrite(job)) return job.Picture.Task;
        Interlocked.Increment(ref _refused);
        return null;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _workers = [.. Enumerable.Range(0, settings.Workers).Select(k => new Thread(Work) { Name = $"drawing {k}", IsBackground = true })];
        foreach (var worker in _workers) worker.Start();
        return Task.CompletedTask;
    }

    /// <summary>Ends the threads once the queue is empty. The web server stops before: it has let its requests finish, or cancelled them after the shutdown timeout.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _jobs.Writer.TryComplete();
        return Task.Run(() => Array.ForEach(_workers, worker => worker.Join()), CancellationToken.None).WaitAsync(cancellationToken);
    }

    private void Work()
    {
        // The number is of the calling thread. Results may depend on it in the last bit, so all workers have the same.
        torch.set_num_threads(settings.ThreadsPerWorker);
        while (_jobs.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            while (_jobs.Reader.TryRead(out var job)) Draw(job);
    }

    private void Draw(Job job)
    {
        Interlocked.Increment(ref _running);
        try
        {
            var started = DateTime.UtcNow;
            using var scope = torch.NewDisposeScope();
            var (label, count, steps, seed) = job.What;
            var samples = model.Sample(count, label, seed, steps, cancellationToken: job.Cancellation); // looked at before every step
            var picture = ImageFile.Encode(ImageGrid.Make(samples, scale: 2), ImageFormat.Png);
            Interlocked.Add(ref _ticks, (DateTime.UtcNow - started).Ticks);
            Interlocked.Increment(ref _served);
            job.Picture.TrySetResult(picture);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelled);
            job.Picture.TrySetCanceled(job.Cancellation);
        }
        catch (Exception error)
        {
            job.Picture.TrySetException(error); // the request fails, the server goes on
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private sealed record Job(Generation What, TaskCompletionSource<byte[]> Picture, CancellationToken Cancellation);
}
