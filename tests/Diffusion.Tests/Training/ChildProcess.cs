using System.Diagnostics;
using System.Runtime.InteropServices;
using Diffusion.TrainingProcess;

namespace Diffusion.Tests.Training;

/// <summary>A training process of its own (tests/Diffusion.TrainingProcess), to be killed.</summary>
internal sealed class ChildProcess : IDisposable
{
    public const int Killed = 128 + 9; // exit status after SIGKILL

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly object _steps = new();
    private int _taken;
    private bool _ended;

    /// <param name="folder">The run.</param>
    /// <param name="stop">The step to stop at.</param>
    /// <param name="pause">Milliseconds that a step takes longer.</param>
    /// <param name="checkpointEvery">Steps between two checkpoints.</param>
    /// <param name="drill">What arms the crash drill, or null.</param>
    public ChildProcess(string folder, long stop = SmallRun.Steps, int pause = 0, int checkpointEvery = 500, string? drill = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(SmallRun).Assembly.Location, folder, $"{stop}", $"{pause}", $"{checkpointEvery}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["DOTNET_TieredPGO"] = "0"; // starts a little sooner
        if (drill is not null) start.Environment["DIFFUSION_CRASH_DRILL"] = drill;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            lock (_steps)
            {
                if (long.TryParse(line.Data, out var step)) (LastStep, _taken) = (step, _taken + 1);
                _ended |= line.Data is null;
                Monitor.Pulse(_steps);
            }
        };
        _process.BeginOutputReadLine();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The last step that the process has told of.</summary>
    public long LastStep { get; private set; }

    /// <summary>Waits until it has told of a number of steps, or has ended.</summary>
    public void WaitForSteps(int count)
    {
        lock (_steps)
            while (_taken < count && !_ended) Monitor.Wait(_steps);
    }

    /// <summary>Sends SIGKILL.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public void Interrupt() => _ = Signal(_process.Id, 2);

    /// <summary>Its exit status and standard error.</summary>
    public (int Status, string Errors) Wait()
    {
        _process.WaitForExit();
        return (_process.ExitCode, _errors.Result);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}
