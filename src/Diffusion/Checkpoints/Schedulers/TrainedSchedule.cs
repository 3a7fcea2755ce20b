using Diffusion.Denoisers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The settings that the variance-preserving scheduler classes share: noise rates, what the network predicts, how the estimate is clipped.</summary>
internal static class TrainedSchedule
{
    private const string Steps = "num_train_timesteps";

    /// <summary>The keys of the noise rates.</summary>
    /// <param name="start">Default of the first rate.</param>
    /// <param name="end">Default of the last rate.</param>
    /// <param name="schedule">Default shape.</param>
    /// <param name="more">Shapes that the class knows beside linear, scaled_linear and squaredcos_cap_v2.</param>
    public static IEnumerable<ConfigKey> Keys(double start = 1e-4, double end = 0.02, string schedule = "linear", params string[] more) =>
    [
        ConfigKey.Integer(Steps, 1000, minimum: 1),
        ConfigKey.Number("beta_start", start),
        ConfigKey.Number("beta_end", end),
        ConfigKey.Choice("beta_schedule", schedule, ["linear", "scaled_linear", "squaredcos_cap_v2", .. more]),
        ConfigKey.Numbers("trained_betas"),
    ];

    /// <summary>The keys of dynamic thresholding.</summary>
    public static IEnumerable<ConfigKey> ThresholdingKeys() =>
    [
        ConfigKey.Flag("thresholding", false),
        ConfigKey.Number("dynamic_thresholding_ratio", 0.995),
        ConfigKey.Number("sample_max_value", 1),
    ];

    /// <summary>The discrete schedule of a configuration, rounded as the references hold it.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="finite">Whether σ/α must stay finite: a schedule that ends without data then keeps 2⁻²⁴ of its variance.</param>
    public static DiscreteSchedule Of(ConfigValues values, bool finite = false)
    {
        var trained = values.Numbers("trained_betas");
        try
        {
            var betas = Float32Rates.Round(values.FlagIfAny("rescale_betas_zero_snr") ? BetaSchedule.RescaleToZeroTerminalSnr(Betas(values, trained)) : Betas(values, trained));
            return new DiscreteSchedule(finite && betas[^1] == 1 ? Float32Rates.LeaveTheLeast(betas) : betas, LevelInterpolation.NoiseToSignal);
        }
        catch (ArgumentException error)
        {
            throw values.Wrong(trained is null ? "beta_schedule" : "trained_betas", $"makes no schedule: {error.Message}");
        }
    }

    private static double[] Betas(ConfigValues values, double[]? trained)
    {
        var (steps, start, end) = (values.Integer(Steps), values.Number("beta_start"), values.Number("beta_end"));
        if (trained is not null)
            return trained.Length == steps ? trained : throw values.Wrong("trained_betas", $"has {trained.Length} values, but '{Steps}' is {steps}.");
        return values.Choice("beta_schedule") switch
        {
            "linear" => BetaSchedule.Linear(steps, start, end),
            "scaled_linear" => BetaSchedule.ScaledLinear(steps, start, end),
            "squaredcos_cap_v2" => BetaSchedule.Cosine(steps),
            "sigmoid" => BetaSchedule.Sigmoid(steps, start, end),
            "exp" => BetaSchedule.Exponential(steps),
            "laplace" => BetaSchedule.Laplace(steps),
            var other => throw new InvalidOperationException($"There is no beta schedule \"{other}\"."),
        };
    }

    /// <summary>What the network predicts, told the integer timestep.</summary>
    public static Parameterization Prediction(ConfigValues values) => Prediction(values, NoiseLabel.Timestep(values.Integer(Steps)));

    /// <summary>What the network predicts.</summary>
    public static Parameterization Prediction(ConfigValues values, NoiseLabel label) => values.Choice("prediction_type") switch
    {
        "epsilon" => Parameterization.Epsilon(label),
        "v_prediction" => Parameterization.V(label),
        "sample" => Parameterization.Data(label),
        "flow_prediction" => Parameterization.Velocity(label),
        var other => throw values.Wrong("prediction_type", $"is \"{other}\", which is not known."),
    };

    /// <summary>The clipping of the estimate: dynamic thresholding where it is asked for, else the fixed range, else none.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="keepNoise">Whether the state moves along the noise of the unclipped estimate.</param>
    public static Func<IDenoiser, IDenoiser> Clipping(ConfigValues values, bool keepNoise)
    {
        if (values.FlagIfAny("thresholding"))
        {
            var (ratio, maximum) = (values.Number("dynamic_thresholding_ratio"), values.Number("sample_max_value"));
            if (!(ratio >= 0 && ratio <= 1)) throw values.Wrong("dynamic_thresholding_ratio", $"is {ratio}; a number in [0, 1] is needed.");
            if (!(maximum > 0)) throw values.Wrong("sample_max_value", $"is {maximum}; a positive number is needed.");
            return inner => new DynamicThreshold(inner, ratio, maximum, keepNoise);
        }

        if (!values.FlagIfAny("clip_sample")) return static inner => inner;
        var range = values.Number("clip_sample_range");
        if (!(range > 0) || !double.IsFinite(range)) throw values.Wrong("clip_sample_range", $"is {range}; a positive number is needed.");
        return inner => new ClampedDenoiser(inner, range, keepNoise);
    }
}
