namespace Diffusion.Checkpoints.Schedulers;

/// <summary>What the EDM scheduler classes share: their keys, what the network's output means, their ladder. (Karras et al. 2022)</summary>
internal static class EdmSettings
{
    /// <summary>The keys of the noise levels and of the preconditioning, with a class's defaults.</summary>
    public static IEnumerable<ConfigKey> Keys(double sigmaMin = 0.002, double sigmaMax = 80, double sigmaData = 0.5, string schedule = "karras", string prediction = "epsilon") =>
    [
        ConfigKey.Number("sigma_min", sigmaMin),
        ConfigKey.Number("sigma_max", sigmaMax),
        ConfigKey.Number("sigma_data", sigmaData),
        ConfigKey.Choice("sigma_schedule", schedule, "karras", "exponential"),
        ConfigKey.TrainingSteps(1000),
        ConfigKey.Choice("prediction_type", prediction, "epsilon", "v_prediction"),
    ];

    /// <summary>EDM's preconditioning; "v_prediction" turns the sign of the output.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="label">What the network is told; ¼·ln σ if null.</param>
    public static Parameterization Prediction(ConfigValues values, NoiseLabel? label = null)
    {
        var data = values.Number("sigma_data");
        if (!(data > 0) || !double.IsFinite(data)) throw values.Wrong("sigma_data", $"is {data}; a positive number is needed.");
        var (min, max) = (values.Number("sigma_min"), values.Number("sigma_max"));
        if (!(min > 0) || !(max >= min) || !double.IsFinite(max)) throw values.Wrong("sigma_max", $"is {max} and 'sigma_min' {min}; both must be positive and finite, the first the larger.");
        var edm = Parameterization.Edm(data, label);
        return values.Choice("prediction_type") == "v_prediction" ? new NegatedParameterization(edm) : edm;
    }

    /// <summary>The ladder of a run.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="run">The run.</param>
    /// <param name="label">What the network is told; ¼·ln σ if null.</param>
    public static SigmaLadder Ladder(ConfigValues values, RunOptions run, NoiseLabel? label = null)
    {
        var (min, max) = (values.Number("sigma_min"), values.Number("sigma_max"));
        double[] places = run.Sigmas is { } given ? [.. given] : PublishedTimesteps.Linspace(0, 1, run.Steps!.Value);
        double[] sigmas;
        if (values.Choice("sigma_schedule") == "exponential")
        {
            sigmas = PublishedSigmas.Exponential(min, max, places.Length); // rising, so that a single level is the smallest
            Array.Reverse(sigmas);
        }
        else
        {
            var rho = values.Number("rho");
            if (!(rho > 0) || !double.IsFinite(rho)) throw values.Wrong("rho", $"is {rho}; a positive number is needed.");
            var (a, b) = (Math.Pow(max, 1 / rho), Math.Pow(min, 1 / rho));
            sigmas = Array.ConvertAll(places, r => Math.Pow(a + r * (b - a), rho));
        }

        return new SigmaLadder(sigmas, Array.ConvertAll(sigmas, sigma => (label ?? NoiseLabel.QuarterLogSigma).At(SigmaLadder.ExplodingLevel(sigma))), values.Choice("final_sigmas_type") == "sigma_min" ? sigmas[^1] : 0);
    }

    /// <summary>√(σ_max² + 1).</summary>
    public static double StartDeviation(ConfigValues values) => double.Hypot(values.Number("sigma_max"), 1);
}
