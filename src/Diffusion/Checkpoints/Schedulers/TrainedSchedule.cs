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
        ConfigKey.TrainingSteps(1000),
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
        var betas = Rates(values);
        try
        {
            var rounded = Float32Rates.Round(betas);
            return new DiscreteSchedule(finite && rounded[^1] == 1 ? Float32Rates.LeaveTheLeast(rounded) : rounded, LevelInterpolation.NoiseToSignal);
        }
        catch (ArgumentException error)
        {
            throw values.Wrong(Culprit(values), $"makes no schedule: {error.Message}");
        }
    }

    /// <summary>The noise rates that a configuration stands for, each as float32 holds it.</summary>
    public static double[] Rates(ConfigValues values)
    {
        try
        {
            var betas = Array.ConvertAll(Betas(values), static beta => (double)(float)beta);
            return values.FlagIfAny("rescale_betas_zero_snr") ? Float32Rates.RescaleToZeroTerminalSnr(betas) : betas;
        }
        catch (ArgumentException error)
        {
            throw values.Wrong(Culprit(values), $"makes no schedule: {error.Message}");
        }
    }

    private static string Culprit(ConfigValues values) => values.Has("trained_betas") && values.Numbers("trained_betas") is not null ? "trained_betas" : "beta_schedule";

    private static double[] Betas(ConfigValues values)
    {
        var steps = values.Integer(Steps);
        if (values.Has("trained_betas") && values.Numbers("trained_betas") is { } trained)
            return trained.Length == steps ? trained : throw values.Wrong("trained_betas", $"has {trained.Length} values, but '{Steps}' is {steps}.");
        if (!values.Has("beta_start")) return BetaSchedule.Cosine(steps); // classes that know no other
        var (start, end) = (values.Number("beta_start"), values.Number("beta_end"));
        return values.Choice("beta_schedule") switch
        {
            "linear" => Float32Rates.Linspace(start, end, steps),
            "scaled_linear" => Array.ConvertAll(Float32Rates.Linspace(Math.Sqrt(start), Math.Sqrt(end), steps), root => root * root),
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
