using System.Text.Json;
using Diffusion.Checkpoints;

namespace Diffusion.Parity;

/// <summary>Recorded σ ladders, discrete schedules and runs of k-diffusion.</summary>
internal static class KDiffusionCases
{
    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement manifest)
    {
        SafetensorsFile Open() => SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        foreach (var ladder in manifest.GetProperty("sigma_arrays").EnumerateArray().Select(e => e.GetString()!))
            yield return new RecordedCase($"{name}/sigmas.{ladder}", comparison =>
            {
                using var file = Open();
                KDiffusionLadders.Compare(file, ladder, comparison);
            });
        using var listed = Open();
        foreach (var schedule in listed.Keys.Where(key => key.EndsWith(".all_sigmas", StringComparison.Ordinal)).Select(key => key[..^".all_sigmas".Length]).Order(StringComparer.Ordinal))
            yield return new RecordedCase($"{name}/{schedule}", comparison =>
            {
                using var file = Open();
                KDiffusionLadders.CompareSchedule(file, schedule, comparison);
            });
        foreach (var run in manifest.GetProperty("runs").EnumerateArray())
            yield return new RecordedCase($"{name}/{run.GetProperty("id").GetString()}", comparison =>
            {
                using var file = Open();
                KDiffusionRun.Compare(file, run, comparison);
            });
    }
}
