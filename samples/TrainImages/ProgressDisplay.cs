using System.Globalization;
using Diffusion.Training;

namespace TrainImages;

/// <summary>A progress bar on a terminal, plain lines when redirected; keeps the losses, in a file too so that a resumed run has them all.</summary>
internal sealed class ProgressDisplay : IProgress<TrainingProgress>, IDisposable
{
    private readonly StreamWriter _file;
    private DateTime _lastLine = DateTime.MinValue;
    private bool _barShown;

    public ProgressDisplay(string lossFile, long firstStep)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(lossFile)!);
        // Steps after the checkpoint that a resumed run goes on from are taken again.
        if (firstStep > 0 && File.Exists(lossFile))
            foreach (var line in File.ReadLines(lossFile))
                if (line.Split(',') is [var step, var loss] && double.TryParse(step, CultureInfo.InvariantCulture, out var s) && double.TryParse(loss, CultureInfo.InvariantCulture, out var l) && s <= firstStep) Losses.Add((s, l));
        _file = new StreamWriter(lossFile);
        foreach (var (step, loss) in Losses) _file.WriteLine(FormattableString.Invariant($"{step},{loss}"));
    }

    public List<(double Step, double Loss)> Losses { get; } = [];

    public void Report(TrainingProgress value)
    {
        Losses.Add((value.Step, value.Loss));
        _file.WriteLine(FormattableString.Invariant($"{value.Step},{value.Loss}"));
        _file.Flush();
        var left = value.Remaining is { } remaining ? $"{(int)remaining.TotalMinutes}:{remaining.Seconds:00} left" : "";
        var text = $"step {value.Step:N0}  loss {value.Loss:f4}  {value.SamplesPerSecond:f0} images/s  {left}";
        if (Console.IsOutputRedirected)
        {
            if (DateTime.UtcNow - _lastLine < TimeSpan.FromSeconds(5)) return;
            _lastLine = DateTime.UtcNow;
            Console.WriteLine(text);
            return;
        }

        var filled = (int)Math.Round(24 * (value.Fraction ?? 0));
        Console.Write($"\r[{new string('#', filled)}{new string('.', 24 - filled)}] {text}   ");
        _barShown = true;
    }

    public void Finish()
    {
        if (_barShown) Console.WriteLine();
    }

    public void Dispose() => _file.Dispose();
}
