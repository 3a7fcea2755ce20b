using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Training;

namespace Diffusion.Parity;

/// <summary>Recorded averages, learning rates and loss weights of diffusers' training utilities.</summary>
internal static class TrainingCases
{
    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement manifest)
    {
        foreach (var recorded in manifest.GetProperty("entries").EnumerateArray())
        {
            var tensors = recorded.GetProperty("tensors").EnumerateArray().Select(e => e.GetString()!).ToArray();
            yield return new RecordedCase($"{name}/{tensors[^1]}", comparison =>
            {
                using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
                Check(recorded, Array.ConvertAll(tensors, key => file.Read(key)), comparison);
            });
        }
    }

    private static void Check(JsonElement recorded, Tensor[] tensors, Comparison comparison)
    {
        switch (recorded.GetProperty("kind").GetString()!.Split('(', ' ', ',')[0])
        {
            case "EMAModel.get_decay": Decays(AveragingOf(recorded.GetProperty("args")), tensors, comparison); break;
            case "EMAModel.step": Averages(AveragingOf(recorded.GetProperty("args")), tensors, comparison); break;
            case "lr": Rates(recorded, tensors[0], comparison); break;
            case "compute_snr": Weights(recorded.GetProperty("args"), tensors, comparison); break;
            default: throw new UnsupportedException($"the library has no {recorded.GetProperty("kind").GetString()}");
        }
    }

    private static AveragingRule AveragingOf(JsonElement arguments)
    {
        double Number(string key, double otherwise) => arguments.TryGetProperty(key, out var value) ? value.GetDouble() : otherwise;
        var (decay, minimum, after) = (Number("decay", 0.9999), Number("min_decay", 0), (long)Number("update_after_step", 0));
        return arguments.TryGetProperty("use_ema_warmup", out var warm) && warm.GetBoolean()
            ? AveragingRule.WarmUp(decay, Number("inv_gamma", 1), Number("power", 2.0 / 3), minimum, after)
            : AveragingRule.Ramp(decay, minimum, after);
    }

    private static void Decays(AveragingRule rule, Tensor[] tensors, Comparison comparison)
    {
        double[] steps = RecordedTensors.ToNumbers(tensors[0]), decays = RecordedTensors.ToNumbers(tensors[1]);
        for (var i = 0; i < steps.Length; i++)
            if (steps[i] >= 1) comparison.Number($"decay[{i}]", rule.Decay((long)steps[i]), decays[i], 1e-7); // updates count from 1
    }

    private static void Averages(AveragingRule rule, Tensor[] tensors, Comparison comparison)
    {
        using var weight = new OneWeight(tensors[0]);
        using var average = new AveragedWeights(weight, rule);
        for (var i = 0L; i < tensors[1].shape[0]; i++)
        {
            weight.Set(tensors[1].select(0, i));
            average.Update();
            comparison.Tensors($"shadow[{i}]", average.Values.Values.Single(), tensors[2].select(0, i), 1e-6);
        }
    }

    private static void Rates(JsonElement recorded, Tensor rates, Comparison comparison)
    {
        var arguments = recorded.GetProperty("args");
        int Integer(string key) => arguments.TryGetProperty(key, out var value) ? value.GetInt32() : 0;
        var schedule = recorded.GetProperty("name").GetString() switch
        {
            "constant" or "constant_with_warmup" => LearningRateSchedule.Constant,
            "linear" => LearningRateSchedule.Linear(),
            "cosine" => LearningRateSchedule.Cosine(),
            var other => throw new UnsupportedException($"the library has no learning-rate schedule {other}"),
        };
        if (Integer("num_warmup_steps") is > 0 and var warmUp) schedule = schedule.WithWarmUp(warmUp);
        var expected = RecordedTensors.ToNumbers(rates);
        var total = Integer("num_training_steps") is > 0 and var steps ? steps : expected.Length - 1;
        for (var step = 0; step <= total; step++) comparison.Number($"rate[{step}]", 3e-4 * schedule.Factor(step, total), expected[step], 1e-9); // the recording's base rate
    }

    private static void Weights(JsonElement settings, Tensor[] tensors, Comparison comparison)
    {
        var trained = SchedulerRun.Plan("DDPMScheduler", settings, default).Trained!;
        var numbers = Array.ConvertAll(tensors, RecordedTensors.ToNumbers);
        for (var i = 0; i < numbers[0].Length; i++)
        {
            var level = trained.AtTimestep((int)numbers[0][i]);
            Close("snr", LossWeighting.Snr.At(level, default), numbers[1][i]);
            Close("min_snr5_eps", LossWeighting.MinSnr(5).OfOutput(level, Parameterization.Epsilon().At(level)), numbers[2][i]);
            Close("min_snr5_v", LossWeighting.MinSnr(5).OfOutput(level, Parameterization.V().At(level)), numbers[3][i]);

            void Close(string what, double actual, double expected) => comparison.Number($"{what}[{i}]", actual, expected, 2e-6 * Math.Abs(expected));
        }
    }
}
