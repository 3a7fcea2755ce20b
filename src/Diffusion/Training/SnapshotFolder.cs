using System.Globalization;
using Diffusion.Checkpoints;

namespace Diffusion.Training;

/// <summary>The stored averages of one run: files <c>average-N-STEP.safetensors</c>, each a whole network, with γ and the number of updates as metadata.</summary>
internal sealed class SnapshotFolder(AverageSnapshots settings)
{
    public const string Pattern = "average-*-*.safetensors", Gamma = "gamma", Updates = "updates", Buffers = "buffers";

    private readonly string _folder = Path.GetFullPath(settings.Folder);
    private bool _begun;

    /// <summary>Refuses to mix two runs, and removes what a run that was killed has stored after the checkpoint that it goes on from.</summary>
    public void Begin(TrainingRun run)
    {
        if (_begun) return;
        if (Directory.Exists(_folder))
            foreach (var path in Directory.GetFiles(_folder, Pattern).Where(path => StepOf(path) > run.Step).Order(StringComparer.Ordinal))
            {
                if (run.Step == 0) throw new InvalidOperationException($"'{_folder}' holds averages of a run already ({Path.GetFileName(path)}). Resume that run, or name another folder.");
                File.Delete(path);
            }

        _begun = true;
    }

    public void SaveIfDue(TrainingRun run, bool over)
    {
        if (!over && run.Step % settings.Every != 0) return;
        try
        {
            DurableFolder.Create(_folder);
        }
        catch (Exception error) when (WriteFailure.IsOne(error))
        {
            throw WriteFailure.Of($"'{_folder}' could not be made", error, "The run can go on.");
        }

        for (var i = 0; i < run.Averages.Count; i++)
            if (run.Averages[i].Rule is PowerFunctionRule rule)
                RunCheckpoint.SaveAverage(run, i, Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"average-{i}-{run.Step:D8}.safetensors")), new()
                {
                    [Gamma] = rule.Gamma.ToString("R", CultureInfo.InvariantCulture),
                    [Updates] = run.Averages[i].Updates.ToString(CultureInfo.InvariantCulture),
                    [Buffers] = string.Join('\n', run.Network.state_dict().Keys.Except(run.Averages[i].Values.Keys)),
                });
    }

    private static long StepOf(string path) =>
        long.TryParse(Path.GetFileNameWithoutExtension(path).Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1;
}
