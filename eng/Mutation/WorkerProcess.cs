using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Mutation;

/// <summary>The parent's side of a worker: asks, waits, and ends it where it takes too long, takes all memory or dies.</summary>
internal sealed class WorkerProcess(MutatedLibrary library) : IDisposable
{
    private const long MemoryLimit = 6L << 30;
    private const int Lifetime = 60; // requests: what is loaded for a mutant stays until the process ends
    private Process? _process;
    private Task<string?>? _line;
    private int _requests;
    private string _said = "";

    /// <summary>Asks; the answer, or null with a reason where the worker had to be ended or died.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="limit">The seconds of processor time that a test may take.</param>
    public (Reply? Answer, string Fate) Ask(Request request, Func<string, double> limit)
    {
        if (_process is null || _requests++ >= Lifetime) Start();
        var process = _process!;
        process.StandardInput.WriteLine(JsonSerializer.Serialize(request));
        var (allowed, since, clock) = (60.0, process.TotalProcessorTime, Stopwatch.StartNew());
        while (true)
        {
            if (!_line!.Wait(250))
            {
                process.Refresh();
                if (process.HasExited) return Ended("the process died: " + _said);
                if ((process.TotalProcessorTime - since).TotalSeconds > allowed || clock.Elapsed.TotalSeconds > 10 * allowed) return Ended("no end");
                if (process.WorkingSet64 > MemoryLimit) return Ended("no end of memory");
                continue;
            }

            if (_line.Result is not { } line) return Ended("the process died: " + _said);
            _line = process.StandardOutput.ReadLineAsync();
            var reply = JsonSerializer.Deserialize<Reply>(line)!;
            if (reply.Test is null) return (reply, "answered");
            (allowed, since) = (limit(reply.Test), process.TotalProcessorTime);
            clock.Restart();
        }
    }

    public void Dispose() => End();

    private void Start()
    {
        End();
        var start = new ProcessStartInfo("dotnet", [typeof(Worker).Assembly.Location, "--worker", library.Assembly, library.Size.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        _process = Process.Start(start)!;
        _said = "";
        _process.ErrorDataReceived += (_, line) => _said = _said.Length == 0 ? line.Data ?? "" : _said;
        _process.BeginErrorReadLine();
        if (_process.StandardOutput.ReadLine() is null) throw new InvalidOperationException("The worker does not start."); // its first line says that it is ready
        _line = _process.StandardOutput.ReadLineAsync();
        _requests = 1;
    }

    private (Reply?, string) Ended(string fate)
    {
        End();
        return (null, fate);
    }

    private void End()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }
}
