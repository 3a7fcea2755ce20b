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
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        var tensors = new RecordedTensors(file, recorded.GetProperty("tensors"));
        var inpaints = tensors.Has("original_image");
        var plan = SchedulerRun.Plan(className, settings, recorded.GetProperty("step_kwargs"), inpaints ? tensors["original_image"] : null, inpaints ? tensors["mask"] : null);
        var grid = SchedulerRun.Grid(plan, recorded.GetProperty("num_inference_steps"), recorded.GetProperty("set_timesteps"));
        comparison.Number("init_noise_sigma", plan.InitialSigma(grid), recorded.GetProperty("init_noise_sigma").GetDouble(), Tolerances.Sigma(plan.InitialSigma(grid)));
        if (recorded.GetProperty("alphas_cumprod").ValueKind == JsonValueKind.String)
            AlphaBars.Compare(plan, settings, RecordedTensors.ToNumbers(file.Read(recorded.GetProperty("alphas_cumprod").GetString()!)), comparison);
        ForwardProcess.Compare(plan, grid, tensors, comparison);

        using var network = new ToyNetwork(recorded.GetProperty("toy_model").GetString()!);
        var (noise, iterations) = (tensors.Has("noise") ? tensors["noise"] : null, tensors.Has("noise_step") ? tensors.Numbers("noise_step") : null);
        IReadOnlyList<Tensor> after, estimates;
        if (inpaints)
        {
            var steps = StepTrace.Of(plan, grid, network, tensors["x_T"], noise, iterations);
            steps.CompareTimesteps(tensors.Numbers("timesteps"), comparison);
            (after, estimates) = (steps.After, steps.Estimates);
        }
        else
        {
            var trace = Trace.Of(plan, grid, network, tensors["x_T"], noise, iterations, wholeSteps: tensors.Has("means") || tensors.Has("schedule"));
            trace.CompareLevels(tensors, settings, comparison);
            (after, estimates) = (trace.After, trace.Estimates);
        }

        var tolerance = Tolerances.Sample(className, settings, tensors.Has("sigmas"));
        var samples = tensors["samples"];
        Compare("samples", after, samples, samples, tolerance, comparison);
        // An estimate is a difference of terms of the size of the state that it is made from.
        if (tensors.Has("pred_x0")) Compare("pred_x0", estimates, tensors["pred_x0"], cat([tensors["x_T"].unsqueeze(0), samples.narrow(0, 0, samples.shape[0] - 1)], 0), tolerance, comparison);
    }

    // Step by step, relative to the largest number of the step's own scale, at least 1.
    private static void Compare(string what, IReadOnlyList<Tensor> actual, Tensor expected, Tensor scale, double tolerance, Comparison comparison)
    {
        if (actual.Count != expected.shape[0])
        {
            comparison.Number($"the number of {what}", actual.Count, expected.shape[0], 0);
            return;
        }

        for (var i = 0; i < actual.Count; i++)
        {
            var largest = scale.select(0, i).abs().max().to(float64).item<double>();
            comparison.Tensors($"{what}[{i}]", actual[i], expected.select(0, i), tolerance * Math.Max(1, largest));
        }
    }
}
