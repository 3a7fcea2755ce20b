using System.Text.Json;
using Diffusion.Checkpoints;

namespace Diffusion.Parity;

/// <summary>Recorded timesteps and σ of many settings, and noise rates.</summary>
internal static class GridCases
{
    private static readonly JsonElement Nothing = JsonDocument.Parse("null").RootElement;

    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement manifest)
    {
        foreach (var recorded in manifest.GetProperty("alphas_cumprod").EnumerateArray())
            yield return new RecordedCase($"{name}/{recorded.GetProperty("id").GetString()}", comparison => Rates(folder, recorded, comparison));
        foreach (var recorded in manifest.GetProperty("cases").EnumerateArray())
            yield return new RecordedCase($"{name}/{recorded.GetProperty("id").GetString()}", comparison => Levels(folder, recorded, comparison));
    }

    private static void Rates(string folder, JsonElement recorded, Comparison comparison)
    {
        var settings = recorded.GetProperty("init");
        var plan = SchedulerRun.Plan(recorded.GetProperty("cls").GetString()!, settings, Nothing);
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        var tensors = new RecordedTensors(file, recorded.GetProperty("tensors"));
        AlphaBars.Compare(plan, settings, tensors.Numbers("alphas_cumprod"), comparison);
        AlphaBars.CompareRates(plan.Config, tensors.Numbers("betas"), comparison);
    }

    private static void Levels(string folder, JsonElement recorded, Comparison comparison)
    {
        var settings = recorded.GetProperty("init");
        var plan = SchedulerRun.Plan(recorded.GetProperty("scheduler").GetString()!, settings, Nothing);
        var grid = SchedulerRun.Grid(plan, recorded.GetProperty("num_inference_steps"), Nothing);
        comparison.Number("init_noise_sigma", plan.InitialSigma(grid), recorded.GetProperty("init_noise_sigma").GetDouble(), Tolerances.Sigma(plan.InitialSigma(grid)));
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        // Two-call methods ask the model at levels of their own; a run of the smallest state shows them all.
        using var network = new ToyNetwork("smooth");
        var start = zeros(1, 1);
        var trace = Trace.Of(plan, grid, network, start, noise: null, iterations: []);
        trace.CompareLevels(new RecordedTensors(file, recorded.GetProperty("tensors")), settings, comparison);
    }
}
