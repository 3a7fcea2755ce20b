using System.Text.Json;

namespace Diffusion.Parity;

/// <summary>How far a replay may be from a recording: the figures of the format's description, in one place.</summary>
internal static class Tolerances
{
    /// <summary>σ, which the references compute in float32.</summary>
    public static double Sigma(double sigma) => (sigma < 0.1 ? 1e-4 : 5e-6) * Math.Abs(sigma);

    /// <summary>ᾱ; more at clipped noise rates and at ends without signal.</summary>
    public static double AlphaBar(double alphaBar, bool atAnEnd) => (atAnEnd ? 2e-5 : 2e-6) * Math.Abs(alphaBar);

    /// <summary>Timesteps: integers equal; numbers to 1e-6 of their size, those derived from σ to 1e-3.</summary>
    public static double Timestep(double timestep, bool integers, bool fromSigmas) => integers ? 0 : fromSigmas ? 1e-3 : 1e-6 * Math.Abs(timestep);

    /// <summary>The states of a run, relative to the largest number of the step, at least 1.</summary>
    public static double Sample(string className, JsonElement settings, bool hasSigmas)
    {
        var zeroSnr = settings.TryGetProperty("rescale_betas_zero_snr", out var rescaled) && rescaled.ValueKind == JsonValueKind.True;
        var cosine = hasSigmas && settings.TryGetProperty("beta_schedule", out var schedule) && schedule.ValueEquals("squaredcos_cap_v2");
        return zeroSnr || cosine || className is "KarrasVeScheduler" or "ScoreSdeVeScheduler" ? 1e-3 : 2e-5;
    }
}
