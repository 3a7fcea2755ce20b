using System.Text.Json;
using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>Compares the trained schedule of a plan with the recorded ᾱ.</summary>
internal static class AlphaBars
{
    public static void Compare(SchedulerPlan plan, JsonElement settings, double[] recorded, Comparison comparison)
    {
        var trained = plan.Trained ?? throw new InvalidDataException($"ᾱ is recorded, but the plan of {plan.ClassName} has no trained schedule");
        comparison.Number("the number of timesteps", trained.TrainingSteps, recorded.Length, 0);
        bool Is(string key, string text) => settings.TryGetProperty(key, out var value) && (value.ValueKind == JsonValueKind.String ? value.ValueEquals(text) : value.ToString() == text);
        // The last rates of the cosine schedule are clipped; the last ᾱ without terminal signal is next to nothing.
        var ends = Is("beta_schedule", "squaredcos_cap_v2") || Is("rescale_betas_zero_snr", "True") ? 2 : 0;
        for (var i = 0; i < Math.Min(trained.TrainingSteps, recorded.Length); i++)
            comparison.Number($"alphas_cumprod[{i}]", trained.AlphaBar(i), recorded[i], Tolerances.AlphaBar(recorded[i], i >= recorded.Length - ends));
    }

    /// <summary>Compares noise rates.</summary>
    public static void CompareRates(SchedulerConfig config, double[] recorded, Comparison comparison) =>
        comparison.Numbers("betas", config.NoiseRates ?? [], recorded, beta => 2e-6 * beta);
}
