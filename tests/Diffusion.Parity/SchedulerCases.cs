using System.Text.Json;
using Diffusion.Checkpoints;

namespace Diffusion.Parity;

/// <summary>Recorded runs of the schedulers of diffusers on toy models.</summary>
internal static class SchedulerCases
{
    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement manifest)
    {
        var className = manifest.GetProperty("scheduler").GetString()!;
        foreach (var recorded in manifest.GetProperty("cases").EnumerateArray())
            yield return new RecordedCase($"{name}/{recorded.GetProperty("id").GetString()}", comparison => Check(folder, className, recorded, comparison));
    }

    private static void Check(string folder, string className, JsonElement recorded, Comparison comparison)
    {
        var settings = recorded.GetProperty("config");
        var plan = SchedulerRun.Plan(className, settings, recorded.GetProperty("step_kwargs"));
        var grid = SchedulerRun.Grid(plan, recorded.GetProperty("num_inference_steps"), recorded.GetProperty("set_timesteps"));
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        var tensors = new RecordedTensors(file, recorded.GetProperty("tensors"));
        comparison.Number("init_noise_sigma", plan.InitialSigma(grid), recorded.GetProperty("init_noise_sigma").GetDouble(), Tolerances.Sigma(plan.InitialSigma(grid)));
        if (recorded.GetProperty("alphas_cumprod").ValueKind == JsonValueKind.String)
            AlphaBars.Compare(plan, settings, RecordedTensors.ToNumbers(file.Read(recorded.GetProperty("alphas_cumprod").GetString()!)), comparison);
        ForwardProcess.Compare(plan, grid, tensors, comparison);

        using var network = new ToyNetwork(recorded.GetProperty("toy_model").GetString()!);
        var trace = Trace.Of(plan, grid, network, tensors["x_T"], tensors.Has("noise") ? tensors["noise"] : null, tensors.Has("noise_step") ? tensors.Numbers("noise_step") : null);
        trace.CompareLevels(tensors, settings, comparison);
        var tolerance = Tolerances.Sample(className, settings, tensors.Has("sigmas"));
        States("samples", trace.After, tensors["samples"], tolerance, comparison);
        if (tensors.Has("pred_x0")) States("pred_x0", trace.Estimates, tensors["pred_x0"], tolerance, comparison);
    }

    private static void States(string what, IReadOnlyList<Tensor> actual, Tensor expected, double tolerance, Comparison comparison)
    {
        if (actual.Count != expected.shape[0])
        {
            comparison.Number($"the number of {what}", actual.Count, expected.shape[0], 0);
            return;
        }

        for (var i = 0; i < actual.Count; i++)
        {
            var step = expected.select(0, i);
            comparison.Tensors($"{what}[{i}]", actual[i], step, tolerance * Math.Max(1, step.abs().max().to(float64).item<double>()));
        }
    }
}
