using System.Diagnostics;
using System.Net;
using Diffusion.Pipelines;
using TorchSharp;

namespace Server;

/// <summary>Starts the server on loopback, loads it, and checks what a service must hold to.</summary>
internal sealed class LoadRun(DiffusionModel model, ServerSettings settings, int clients, TimeSpan time)
{
    /// <summary>How much more memory may be resident at the end than after the first half of the load: allocators keep what they have had.</summary>
    private const long Tolerance = 32L << 20;

    private bool _held = true;

    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(clients, 4);
        await using var app = GenerationServer.Build(model, settings, "http://127.0.0.1:0", LogLevel.Warning);
        await app.StartAsync(cancellation);
        var queue = app.Services.GetRequiredService<GenerationQueue>();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Timeout.InfiniteTimeSpan };

        // Each answer once, with nothing else going on.
        var expected = new Dictionary<string, byte[]>();
        foreach (var seed in Enumerable.Range(0, 8))
        {
            var address = $"/generate?count={1 + seed % 3}&steps=4&seed={seed}" + (model.Classes > 0 ? $"&class={seed % model.Classes}" : "");
            expected[address] = await http.GetByteArrayAsync(address, cancellation);
        }

        Check("other seeds give other pictures", expected.Values.Select(Convert.ToBase64String).Distinct().Count() == expected.Count);
        var load = new LoadClients(http, expected);
        await load.RunAsync(clients, time / 2, cancellation);
        var before = await RestAsync(queue, cancellation);
        await load.RunAsync(clients, time / 2, cancellation);
        await CheckOverloadAsync(http, load, queue, expected.Keys.First(), cancellation);
        var after = await RestAsync(queue, cancellation);

        Console.WriteLine($"{clients} clients for {time.TotalSeconds:g} seconds: {load.Pictures} pictures, {load.Refused} told to come back, {load.Left} left early ({queue.Cancelled} runs cancelled).");
        foreach (var (what, times) in load.Faults) Console.WriteLine($"  {what}: {times} times");
        Check("every answer is the picture of its seed, or 429 with Retry-After", load.Faults.IsEmpty && load.Pictures > 0);
        Check($"live tensors: {before.Tensors} at half time, {after.Tensors} at the end", before.Tensors == after.Tensors);
        Check($"resident memory: {before.Bytes >> 20} MiB at half time, {after.Bytes >> 20} MiB at the end (tolerance {Tolerance >> 20} MiB)", after.Bytes - before.Bytes <= Tolerance);
        var health = await http.GetStringAsync("/health", cancellation);
        Check($"/health: {health}", health.StartsWith("{\"status\":\"ok\"", StringComparison.Ordinal));
        await CheckRefusalsAsync(http, cancellation);
        await CheckShutdownAsync(app, http, queue, cancellation);
        return _held;
    }

    // All workers are busy with pictures that take long; the queue is filled, and a few more ask. Then those who keep the workers busy go away.
    private async Task CheckOverloadAsync(HttpClient http, LoadClients load, GenerationQueue queue, string address, CancellationToken cancellation)
    {
        const int tooMany = 8;
        await RestAsync(queue, cancellation);
        var (refused, served) = (queue.Refused, queue.Served);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var busy = Enumerable.Range(0, settings.Workers).Select(k => http.GetAsync($"/generate?count={settings.MaxCount}&steps={settings.MaxSteps}&seed={k}", leave.Token)).ToArray();
        while (queue.Running < settings.Workers) await Task.Delay(1, cancellation);
        var burst = Task.WhenAll(Enumerable.Range(0, settings.Queue + tooMany).Select(_ => load.AskAsync(address)));
        while (queue.Refused + queue.Waiting - refused < settings.Queue + tooMany) await Task.Delay(1, cancellation);
        Check($"with {settings.Queue} waiting, the next {tooMany} are refused", queue.Refused == refused + tooMany && queue.Served == served);

        var left = Stopwatch.GetTimestamp();
        await leave.CancelAsync();
        while (queue.Served == served) await Task.Delay(1, cancellation); // the first of those that waited has its picture
        var gone = await Task.WhenAll(busy.Select(async answer =>
        {
            try
            {
                using var whole = await answer;
                return false;
            }
            catch (OperationCanceledException)
            {
                return true;
            }
        }));
        Check($"clients that go away stop the work for them: the next picture came {Stopwatch.GetElapsedTime(left).TotalMilliseconds:f0} ms later", gone.All(early => early));
        await burst;
        Check("those that waited were all served", queue.Served == served + settings.Queue);
    }

    private async Task CheckRefusalsAsync(HttpClient http, CancellationToken cancellation)
    {
        var wrong = new[] { "count=0", $"count={settings.MaxCount + 1}", "steps=-1", $"steps={settings.MaxSteps + 1}", "class=nothing", "count=many", "seed=1e99" };
        foreach (var query in wrong)
        {
            using var answer = await http.GetAsync($"/generate?{query}", cancellation);
            Check($"{query}: {(int)answer.StatusCode} and {answer.Content.Headers.ContentType?.MediaType}", answer.StatusCode == HttpStatusCode.BadRequest && answer.Content.Headers.ContentType?.MediaType == "application/problem+json");
        }
    }

    private async Task CheckShutdownAsync(WebApplication app, HttpClient http, GenerationQueue queue, CancellationToken cancellation)
    {
        var last = http.GetAsync("/generate?count=4&steps=100&seed=3", cancellation);
        while (queue.Running == 0 && !last.IsCompleted) await Task.Delay(1, cancellation);
        var underWay = !last.IsCompleted;
        await app.StopAsync(cancellation);
        using var answer = await last;
        Check("a request that is under way when the server stops is answered", underWay && answer.StatusCode == HttpStatusCode.OK && (await answer.Content.ReadAsByteArrayAsync(cancellation)).Length > 100);
    }

    private static async Task<(long Tensors, long Bytes)> RestAsync(GenerationQueue queue, CancellationToken cancellation)
    {
        while (queue.Running + queue.Waiting > 0) await Task.Delay(20, cancellation);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return (torch.Tensor.TotalCount, Environment.WorkingSet);
    }

    private void Check(string claim, bool holds)
    {
        _held &= holds;
        Console.WriteLine($"{(holds ? "held" : "BROKEN")}: {claim}");
    }
}
