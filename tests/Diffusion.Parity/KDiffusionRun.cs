using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Denoisers;
using Diffusion.Samplers;

namespace Diffusion.Parity;

/// <summary>One recorded run of a sampler of k-diffusion on the exact denoiser of a mixture.</summary>
internal static class KDiffusionRun
{
    public static void Compare(SafetensorsFile file, JsonElement run, Comparison comparison)
    {
        var id = run.GetProperty("id").GetString()!;
        var arguments = run.GetProperty("kwargs");
        var sampler = KDiffusionSamplers.Of(run.GetProperty("sampler").GetString()!, arguments);
        var grid = Grid(file, id, arguments);
        // The callback of the adaptive solver comes after a trial, with the state as it is then. The error of its first steps is rounding, and their lengths with it:
        // numbers agree to the order of its relative tolerance, while the steps taken and refused must be as many.
        var adaptive = sampler is DpmAdaptiveSampler;
        var tolerance = !adaptive ? 1e-4 : arguments.TryGetProperty("rtol", out var relative) ? relative.GetDouble() : 0.05;
        var recorder = new Recorder(new GaussianMixtureDenoiser(grid.Schedule, Mixture(file)));
        var (states, estimates) = (new List<Tensor>(), new List<Tensor>()); // of each step, as the callback of the recording saw them
        var (calls, accepted, state) = (0, 0, file.Read(id + ".x_T"));
        try
        {
            using var noise = Noise(file, id, () => estimates.Count);
            var last = state;
            void OnStep(SamplerStep step, Tensor next, Estimate? estimate)
            {
                states.Add((adaptive ? next : recorder.States[calls]).clone().DetachFromDisposeScope());
                estimates.Add(estimate!.Data.clone().DetachFromDisposeScope());
                calls = recorder.States.Count;
                if (!ReferenceEquals(last, next)) accepted++;
                last = next;
            }

            var end = sampler.Sample(recorder, state, grid, noise, new SamplingHooks { OnStep = OnStep });
            Relative("out", end, file.Read(id + ".out"), tolerance, comparison);
            var (xs, denoised) = (file.Read(id + ".xs"), file.Read(id + ".denoised"));
            comparison.Number("the number of steps", estimates.Count, xs.shape[0], 0);
            for (var i = 0; i < Math.Min(estimates.Count, xs.shape[0]); i++)
            {
                Relative($"xs[{i}]", states[i], xs.select(0, i), tolerance, comparison);
                Relative($"denoised[{i}]", estimates[i], denoised.select(0, i), tolerance, comparison);
            }

            if (run.GetProperty("info").ValueKind != JsonValueKind.Object)
            {
                comparison.Number("the number of model calls", recorder.States.Count, run.GetProperty("model_calls").GetInt32(), 0);
                return;
            }

            comparison.Number("the accepted steps", accepted, run.GetProperty("info").GetProperty("n_accept").GetInt32(), 0);
            comparison.Number("the refused steps", estimates.Count - accepted, run.GetProperty("info").GetProperty("n_reject").GetInt32(), 0);
        }
        finally
        {
            recorder.Clear();
            foreach (var tensor in states.Concat(estimates)) tensor.Dispose();
        }
    }

    private static TimeGrid Grid(SafetensorsFile file, string id, JsonElement arguments)
    {
        if (arguments.TryGetProperty("sigma_max", out var max))
            return TimeGrid.FromNoiseToSignal(KDiffusionLadders.Exploding, [max.GetDouble()], arguments.GetProperty("sigma_min").GetDouble());
        var sigmas = RecordedTensors.ToNumbers(file.Read(id + ".sigmas"));
        return TimeGrid.FromNoiseToSignal(KDiffusionLadders.Exploding, sigmas.AsSpan(0, sigmas.Length - 1), sigmas[^1]);
    }

    private static GaussianMixture Mixture(SafetensorsFile file)
    {
        var (means, deviations) = (file.Read("gmm.mu"), RecordedTensors.ToNumbers(file.Read("gmm.std")));
        var numbers = RecordedTensors.ToNumbers(means);
        var (components, dimensions) = (deviations.Length, numbers.Length / deviations.Length);
        var (mean, deviation) = (new double[components, dimensions], new double[components, 1]);
        for (var k = 0; k < components; k++)
        {
            deviation[k, 0] = deviations[k];
            for (var d = 0; d < dimensions; d++) mean[k, d] = numbers[k * dimensions + d];
        }

        return new GaussianMixture(RecordedTensors.ToNumbers(file.Read("gmm.weight")), mean, deviation);
    }

    private static NoiseSource Noise(SafetensorsFile file, string id, Func<int> step) => file.Contains(id + ".noise")
        ? new KDiffusionNoise(file.Read(id + ".noise"), RecordedTensors.ToNumbers(file.Read(id + ".noise_sigmas")), step)
        : new RecordedNoise(null, null, () => 0);

    // Element by element, relative to the element, at least 1.
    private static void Relative(string what, Tensor actual, Tensor expected, double tolerance, Comparison comparison)
    {
        using var scope = NewDisposeScope();
        var scale = expected.abs().clamp_min(1);
        comparison.Tensors(what, actual.div(scale), expected.div(scale), tolerance);
    }
}
