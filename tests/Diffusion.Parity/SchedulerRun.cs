using System.Text.Json;
using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>A recorded scheduler's configuration and arguments in the library's terms.</summary>
internal static class SchedulerRun
{
    /// <summary>The plan of a scheduler class with recorded settings.</summary>
    public static SchedulerPlan Plan(string className, JsonElement settings, JsonElement stepArguments, Tensor? image = null, Tensor? known = null)
    {
        if (!SchedulerConfig.KnownClasses.Contains(className)) throw new UnsupportedException($"the library has no {className}");
        return SchedulerConfig.Parse(settings.GetRawText(), "the recorded settings", className).Plan(Step(stepArguments, image, known));
    }

    /// <summary>The grid of a recorded run.</summary>
    public static TimeGrid Grid(SchedulerPlan plan, JsonElement steps, JsonElement arguments)
    {
        int? count = steps.ValueKind == JsonValueKind.Number ? steps.GetInt32() : null;
        IReadOnlyList<double>? timesteps = null, sigmas = null;
        double? mu = null, strength = null;
        int? original = null, jumpLength = null, jumpSamples = null;
        foreach (var (name, value) in Arguments(arguments))
        {
            switch (name)
            {
                case "timesteps": timesteps = Numbers(value); break;
                case "sigmas": sigmas = Numbers(value); break;
                case "mu": mu = Number(value); break;
                case "strength": strength = Number(value); break;
                case "original_inference_steps": original = value.GetInt32(); break;
                case "jump_length": jumpLength = value.GetInt32(); break;
                case "jump_n_sample": jumpSamples = value.GetInt32(); break;
                default: throw new UnsupportedException($"the argument {name} of set_timesteps is not known");
            }
        }

        return plan.Grid(new RunOptions
        {
            Steps = count,
            Timesteps = timesteps,
            Sigmas = sigmas,
            Mu = mu,
            Strength = strength,
            OriginalSteps = original,
            JumpLength = jumpLength,
            JumpSamples = jumpSamples,
        });
    }

    private static StepOptions Step(JsonElement arguments, Tensor? image, Tensor? known)
    {
        double? eta = null, churn = null, minimum = null, maximum = null, scale = null;
        bool? clipped = null;
        int? order = null;
        foreach (var (name, value) in Arguments(arguments))
        {
            switch (name)
            {
                case "eta": eta = Number(value); break;
                case "use_clipped_model_output": clipped = value.GetBoolean(); break;
                case "s_churn": churn = Number(value); break;
                case "s_tmin": minimum = Number(value); break;
                case "s_tmax": maximum = Number(value); break;
                case "s_noise": scale = Number(value); break;
                case "order": order = value.GetInt32(); break;
                default: throw new UnsupportedException($"the argument {name} of step is not known");
            }
        }

        return new StepOptions { Eta = eta, UseClippedOutput = clipped, Churn = churn, ChurnMinimum = minimum, ChurnMaximum = maximum, NoiseScale = scale, Order = order, Image = image, KnownMask = known, Quirks = true };
    }

    private static IEnumerable<(string Name, JsonElement Value)> Arguments(JsonElement arguments) =>
        arguments.ValueKind == JsonValueKind.Object ? arguments.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null).Select(p => (p.Name, p.Value)) : [];

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(Number)];

    // Infinities are recorded as strings.
    private static double Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is "inf" or "Infinity" => double.PositiveInfinity,
        JsonValueKind.String when value.GetString() is "-inf" or "-Infinity" => double.NegativeInfinity,
        _ => value.GetDouble(),
    };
}
