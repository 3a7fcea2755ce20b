// A training process to be killed by the tests: FOLDER STOP PAUSE EVERY. Goes on with the run in FOLDER, or begins it; takes PAUSE milliseconds more for each
// step; writes a checkpoint every EVERY steps; stops with a checkpoint after STOP steps, or at the end of the run, or on Ctrl-C (exit status 130). Prints each step that it has taken.
using System.Globalization;
using System.Runtime.InteropServices;
using Diffusion.TrainingProcess;

using var source = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
{
    signal.Cancel = true; // the run ends by itself, after a whole step and a checkpoint
    source.Cancel();
});
var pause = int.Parse(args[2], CultureInfo.InvariantCulture);
var outcome = SmallRun.Train(args[0], long.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture), source.Token, step =>
{
    Console.Out.WriteLine(step);
    Console.Out.Flush();
    if (pause > 0) Thread.Sleep(pause);
});
return outcome == Diffusion.Training.TrainingOutcome.Completed ? 0 : 130;
