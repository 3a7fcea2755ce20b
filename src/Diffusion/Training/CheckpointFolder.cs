using System.Globalization;
using Diffusion.Checkpoints;

namespace Diffusion.Training;

/// <summary>
/// The checkpoints of one run: folders <c>checkpoint-STEP</c> under one folder. A checkpoint is written under another name, flushed, and then
/// renamed, so that whatever bears the name is complete; the newest few are kept.
/// </summary>
internal sealed class CheckpointFolder(string folder, int kept)
{
    private const string Prefix = "checkpoint-", Unfinished = ".unfinished-", Discarded = ".discarded-";

    private readonly string _folder = Path.GetFullPath(folder);
    private TrainingRun? _owner; // the run whose checkpoints these are

    /// <summary>The newest checkpoint, or null.</summary>
    public static string? Latest(string folder) => Complete(folder).Select(c => c.Path).FirstOrDefault();

    /// <summary>Refuses to mix two runs in one folder: the newest checkpoint could be the other one's.</summary>
    public void CheckThatItIsOf(TrainingRun run)
    {
        if (_owner == run) return;
        if (Latest(_folder) is { } latest)
            throw new InvalidOperationException($"'{_folder}' holds a run already ({Path.GetFileName(latest)}). Call Resume to go on with it, or name another folder.");
        _owner = run;
    }

    public void Save(TrainingRun run)
    {
        var name = Prefix + run.Step.ToString("D8", CultureInfo.InvariantCulture);
        var final = Path.Combine(_folder, name);
        if (Directory.Exists(final)) return; // this step has been saved: training is repeatable, so it holds the same
        var temporary = Path.Combine(_folder, Unfinished + name);
        try
        {
            DurableFolder.Create(_folder);
            Sweep();
            Directory.CreateDirectory(temporary);
            CrashDrill.Did("make", temporary);
            RunCheckpoint.Write(run, temporary);
            if (run.Settings.OnSaving is { } more)
            {
                more(temporary);
                DurableFolder.FlushAll(temporary); // what others write may not be on disk
            }

            DurableFolder.Flush(temporary);
            Directory.Move(temporary, final);
            CrashDrill.Did("rename", final);
            DurableFolder.Flush(_folder);
            foreach (var (path, _) in Complete(_folder).Skip(kept).ToArray()) Discard(path);
        }
        catch (Exception error)
        {
            TryDelete(temporary);
            if (!WriteFailure.IsOne(error)) throw;
            throw WriteFailure.Of(
                $"The checkpoint of step {run.Step} could not be written to '{final}'", error, "Older checkpoints are intact, and the run can go on: call Train again, or Resume in another process.");
        }
    }

    public bool Load(TrainingRun run)
    {
        if (Latest(_folder) is { } latest)
        {
            RunCheckpoint.Read(run, latest);
            _owner = run;
            return true;
        }

        return false;
    }

    // Newest first. The name alone says that a checkpoint is complete.
    private static IEnumerable<(string Path, long Step)> Complete(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        return Directory.EnumerateDirectories(folder, Prefix + "*")
            .Select(path => (path, step: long.TryParse(Path.GetFileName(path)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1))
            .Where(c => c.step >= 0)
            .OrderByDescending(c => c.step);
    }

    // Renamed first, so that a half-deleted checkpoint does not bear the name of a complete one.
    private void Discard(string path)
    {
        var doomed = Path.Combine(_folder, Discarded + Path.GetFileName(path));
        Directory.Move(path, doomed);
        CrashDrill.Did("rename", doomed);
        TryDelete(doomed);
        CrashDrill.Did("remove", doomed);
    }

    /// <summary>Removes what a process that was killed has left behind.</summary>
    private void Sweep()
    {
        foreach (var path in Directory.EnumerateDirectories(_folder, Unfinished + "*").Concat(Directory.EnumerateDirectories(_folder, Discarded + "*")).ToArray()) TryDelete(path);
    }

    private static void TryDelete(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // In use by another process, or the disk is at fault: the next save tries again, and readers ignore these names.
        }
    }
}
