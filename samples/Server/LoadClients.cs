using System.Collections.Concurrent;
using System.Net;

namespace Server;

/// <summary>Clients that ask for pictures one after the other, and remember what they got.</summary>
/// <param name="http">To the server.</param>
/// <param name="expected">What each address answers with when nothing else is going on.</param>
internal sealed class LoadClients(HttpClient http, IReadOnlyDictionary<string, byte[]> expected)
{
    private int _pictures, _refused, _left;

    public int Pictures => _pictures;

    /// <summary>Answers of 429.</summary>
    public int Refused => _refused;

    /// <summary>Requests that a client broke off.</summary>
    public int Left => _left;

    /// <summary>What should not have happened, by kind.</summary>
    public ConcurrentDictionary<string, int> Faults { get; } = [];

    /// <summary>Lets clients loose for some time. Every fourth is impatient.</summary>
    public Task RunAsync(int clients, TimeSpan time, CancellationToken cancellation)
    {
        var end = DateTime.UtcNow + time;
        return Task.WhenAll(Enumerable.Range(0, clients).Select(async k =>
        {
            var random = new Random(k);
            while (DateTime.UtcNow < end)
            {
                cancellation.ThrowIfCancellationRequested();
                var address = expected.Keys.ElementAt(random.Next(expected.Count));
                await AskAsync(address, k % 4 == 3 ? TimeSpan.FromMilliseconds(random.Next(1, 60)) : null);
            }
        }));
    }

    /// <summary>One request.</summary>
    /// <param name="address">One of those whose answer is known.</param>
    /// <param name="patience">After which the client goes away; null stays.</param>
    public async Task AskAsync(string address, TimeSpan? patience = null)
    {
        using var leave = patience is { } time ? new CancellationTokenSource(time) : new CancellationTokenSource();
        try
        {
            using var answer = await http.GetAsync(address, leave.Token);
            var bytes = await answer.Content.ReadAsByteArrayAsync(leave.Token);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                if (answer.Headers.RetryAfter?.Delta is not { } wait || wait < TimeSpan.FromSeconds(1)) Fault("429 without Retry-After");
                Interlocked.Increment(ref _refused);
                await Task.Delay(50, CancellationToken.None); // sooner than it was told to: the queue shall stay full
            }
            else if (answer.StatusCode != HttpStatusCode.OK)
            {
                Fault($"status {(int)answer.StatusCode}");
            }
            else if (!bytes.AsSpan().SequenceEqual(expected[address]))
            {
                Fault("other bytes for the same seed");
            }
            else
            {
                Interlocked.Increment(ref _pictures);
            }
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            Interlocked.Increment(ref _left);
        }
        catch (HttpRequestException error)
        {
            Fault(error.Message);
        }
    }

    private void Fault(string what) => Faults.AddOrUpdate(what, 1, (_, n) => n + 1);
}
