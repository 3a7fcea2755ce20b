using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// The σ ramps of the published schedulers and their inverse, from σ to timestep. Everything is in double, in the published order of operations;
/// only the logarithms of the inverse are in float32, because truncating a timestep to an integer shows their last digit.
/// </summary>
internal static class PublishedSigmas
{
    /// <summary>The keys of the three ramps, which exclude each other.</summary>
    public static IEnumerable<ConfigKey> Keys() =>
    [
        ConfigKey.Flag("use_karras_sigmas", false),
        ConfigKey.Flag("use_exponential_sigmas", false),
        ConfigKey.Flag("use_beta_sigmas", false),
    ];

    /// <summary>The ramp that is asked for; null where none is.</summary>
    /// <exception cref="InvalidDataException">Several are.</exception>
    public static string? Ramp(ConfigValues values) => values.OneOf("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas");

    /// <summary>σ/α of every trained timestep, rising, to the last digit of the float32 arithmetic that it is published in: √((1 − ᾱ)/ᾱ).</summary>
    public static double[] Trained(DiscreteSchedule schedule)
    {
        var sigmas = new double[schedule.TrainingSteps];
        for (var i = 0; i < sigmas.Length; i++)
        {
            var alphaBar = (float)schedule.AlphaBar(i);
            sigmas[i] = MathF.Sqrt((1 - alphaBar) / alphaBar);
        }

        return sigmas;
    }

    /// <summary>The trained σ at timesteps that need not be integers, linear between them, constant beyond.</summary>
    public static double[] Interpolate(double[] trained, double[] timesteps) => Array.ConvertAll(timesteps, t =>
    {
        if (t <= 0) return trained[0];
        if (t >= trained.Length - 1) return trained[^1];
        var below = (int)t;
        return trained[below] + (trained[below + 1] - trained[below]) * (t - below);
    });

    /// <summary>A named ramp of n values from a largest to a smallest σ.</summary>
    public static double[] Along(string ramp, double max, double min, int steps) => ramp switch
    {
        "use_karras_sigmas" => Karras(max, min, steps),
        "use_exponential_sigmas" => Exponential(max, min, steps),
        "use_beta_sigmas" => Beta(max, min, steps),
        "use_lu_lambdas" => Array.ConvertAll(PublishedTimesteps.Linspace(0, 1, steps), r => Math.Exp(Math.Log(max) + r * (Math.Log(min) - Math.Log(max)))),
        _ => throw new InvalidOperationException($"There is no ramp \"{ramp}\"."),
    };

    /// <summary>(Karras et al. 2022, eq. 5)</summary>
    public static double[] Karras(double max, double min, int steps, double rho = 7)
    {
        var (a, b) = (Math.Pow(max, 1 / rho), Math.Pow(min, 1 / rho));
        return Array.ConvertAll(PublishedTimesteps.Linspace(0, 1, steps), r => Math.Pow(a + r * (b - a), rho));
    }

    /// <summary>Equal distances in ln σ.</summary>
    public static double[] Exponential(double max, double min, int steps) =>
        Array.ConvertAll(PublishedTimesteps.Linspace(Math.Log(max), Math.Log(min), steps), Math.Exp);

    /// <summary>Quantiles of Beta(0.6, 0.6).</summary>
    public static double[] Beta(double max, double min, int steps) =>
        Array.ConvertAll(PublishedTimesteps.Linspace(0, 1, steps), r => min + BetaDistribution.Quantile(1 - r, 0.6, 0.6) * (max - min));

    /// <summary>The timesteps at which the trained schedule has given σ, linear in ln σ between trained timesteps and clamped beyond them.</summary>
    public static double[] Timesteps(double[] trained, double[] sigmas)
    {
        var logs = Array.ConvertAll(trained, sigma => (float)Math.Log((float)sigma));
        return Array.ConvertAll(sigmas, sigma =>
        {
            var log = (float)Math.Log(Math.Max(sigma, 1e-10));
            var found = Array.BinarySearch(logs, log);
            var low = Math.Clamp(found >= 0 ? found : ~found - 1, 0, Math.Max(logs.Length - 2, 0));
            if (logs.Length == 1) return 0;
            var w = Math.Clamp((logs[low] - log) / (logs[low] - logs[low + 1]), 0f, 1f);
            return (1f - w) * low + w * (double)(low + 1);
        });
    }
}
